"""The model `tiny_models.flat` and its maps in plain NumPy, float64: a truth that owes nothing to Keras."""

import numpy as np


def convolved(images, kernel, bias):
    """Convolve with a kernel of odd sides, padding by zeros so that the size stays."""
    rows, columns = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (kernel.shape[0] // 2,) * 2, (kernel.shape[1] // 2,) * 2, (0, 0)))
    result = np.zeros((*images.shape[:3], kernel.shape[-1])) + bias
    for i, j in np.ndindex(kernel.shape[:2]):
        result += padded[:, i : i + rows, j : j + columns] @ kernel[i, j]
    return result


def convolved_back(gradients, kernel):
    rows, columns = gradients.shape[1:3]
    up, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.zeros((len(gradients), rows + 2 * up, columns + 2 * left, kernel.shape[2]))
    for i, j in np.ndindex(kernel.shape[:2]):
        padded[:, i : i + rows, j : j + columns] += gradients @ kernel[i, j].T
    return padded[:, up : up + rows, left : left + columns]


def pooled(features):
    n, rows, columns, channels = features.shape
    return features.reshape(n, rows // 2, 2, columns // 2, 2, channels).max(axis=(2, 4))


def pooled_back(gradients, features):
    """Hand the gradient to the greatest of each four; equal ones share it."""
    greatest = features == enlarged(pooled(features))
    n, rows, columns, channels = features.shape
    ties = greatest.reshape(n, rows // 2, 2, columns // 2, 2, channels).sum(axis=(2, 4))
    return greatest * enlarged(gradients / ties)


def enlarged(features):
    return features.repeat(2, axis=1).repeat(2, axis=2)


class Flat:
    """Forward and backward pass of `tiny_models.flat` for the score Σ logits · weights."""

    def __init__(self, weights, images, score_weights):
        first, first_bias, second, second_bias, kernel, bias = (np.float64(weight) for weight in weights)
        before = convolved(np.float64(images), first, first_bias)
        self.a = before.clip(0)
        self.b = np.tanh(convolved(pooled(self.a), second, second_bias))
        self.logits = self.b.mean(axis=(1, 2)) @ kernel + bias
        self.places = np.prod(self.b.shape[1:3])
        self.bias = np.float64(score_weights) @ bias
        self.class_weights = np.float64(score_weights) @ kernel.T
        self.gradient_b = np.broadcast_to(self.class_weights[:, None, None] / self.places, self.b.shape)
        inside = pooled_back(convolved_back(self.gradient_b * (1 - self.b**2), second), self.a)
        self.gradient_a = inside
        self.gradient_images = convolved_back(inside * (before > 0), first)

    @property
    def probabilities(self):
        powers = np.exp(self.logits - self.logits.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    @property
    def saliency(self):
        return np.abs(self.gradient_images).max(axis=-1)

    @property
    def cam(self):
        return (self.class_weights[:, None, None] * self.b).sum(axis=-1)

    def grad_cam(self, name):
        features, gradient = getattr(self, name), getattr(self, f"gradient_{name}")
        return (gradient.mean(axis=(1, 2), keepdims=True) * features).sum(axis=-1).clip(0)
