"""Gradient ascent on the parameters of images: the one loop behind all optimized images, with a step compiled once."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_see._progress import Progress
from keras_see.model import backend
from keras_see.optimization import rescue
from keras_see.optimization.objective_gradient import ObjectiveGradient
from keras_see.optimization.transforms import Transforms

# Adam (Kingma and Ba 2015, arXiv:1412.6980) with the rate of Lucid (`lucid/optvis/param`, 0.05).
RATE, MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.05, 0.9, 0.999, 1e-8


@dataclasses.dataclass(frozen=True)
class AscentState:
    """The state of an ascent, NumPy arrays: the next run resumes from it.

    Attributes:
        parameters: Of the images, as the parameterization has them.
        mean: Adam's running mean of the gradients.
        square: Adam's running mean of their squares.
        mode: `(n,)`, what the next step of each image does, as `rescue.Rescue` has it, and so are the next three.
        condition: `(n,)`, `rescue.ACTIVE`, `CLOSED`, `FULL` or `DEAD`.
        low: `(n,)`, the lowest score so far.
        high: `(n,)`, the highest.
        step: Number of steps taken.
        seed: Of the views: each step's follows from it and from the number of the step.
        keys: Of the starts, one per image.
    """

    parameters: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    mode: np.ndarray
    condition: np.ndarray
    low: np.ndarray
    high: np.ndarray
    step: int = 0
    seed: int = 0
    keys: tuple = ()


class Ascent:
    """Gradient ascent of one objective for one model and shape of images; the step is compiled at its first run.

    The model runs in inference mode, as far as the objective's last layer, and cannot change. Its weights are read at
    the start of each run, so a state can be kept through a training and resumed in every epoch. Images without a
    gradient are rescued as `keras_see.optimization.rescue` says.

    Args:
        model: A built Keras model with one input.
        objective: An `Objective`.
        parameterization: `Fourier` or `Pixels`.
        transforms: The `Transforms` through which the model sees the images.
        preprocess: A function of tensors, from images to what the model takes, as `traceable` returns it.
        rate: Step size, in units of the parameters.

    Attributes:
        traces: How often Python went through the step (on PyTorch: at each step).

    Example:
        >>> import keras, numpy as np
        >>> from keras_see.optimization.objectives import channels, one_hot
        >>> from keras_see.optimization.parameterization import Fourier
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> ascent = Ascent(model, channels("conv"), Fourier((16, 16, 3), (0, 1)))
        >>> state, history = ascent.run(ascent.start([0, 1]), 5, one_hot([0, 1], 4))
        >>> state, more = ascent.run(state, 5, one_hot([0, 1], 4))
        >>> ascent.images(state).shape, history.shape, state.step
        ((2, 16, 16, 3), (2, 5), 10)
    """

    def __init__(self, model, objective, parameterization, *, transforms=None, preprocess=None, rate=RATE):
        self.traces = 0
        self.parameterization = parameterization
        self._rate, self._transforms = rate, Transforms() if transforms is None else transforms
        views = {"transforms": self._transforms, "preprocess": preprocess}
        self._gradient = ObjectiveGradient(model, objective, parameterization, **views)
        # Two programs: the common one leaves activations alone, which saves much time.
        self._step = backend.compiled(lambda *args: self._trace(*args, rescuing=False))
        self._rescuing_step = backend.compiled(lambda *args: self._trace(*args, rescuing=True))
        self._render = backend.compiled(parameterization.images)

    def start(self, keys, seed=0):
        """Return the state of noise images, one per key, whole numbers: equal seed and key, equal start."""
        return self._state(self.parameterization.start(_generators(keys, seed)), seed, keys)

    def start_from(self, images, seed=0):
        """Return the state of given images, `(n, height, width, channels)`."""
        return self._state(self.parameterization.parameters_of(images), seed, range(len(images)))

    def run(self, state, steps, goals, *, cool=False, progress=False):
        """Return the state after some steps, and the scores before each, float32 `(n, steps)`.

        Args:
            state: As `start` or an earlier run returned it.
            steps: Number of steps.
            goals: What the objective aims at, NumPy arrays of unchanging shapes.
            cool: Whether the step size falls to zero over this run (half a cosine), to settle in fine detail.
            progress: Whether to show a bar; None: if it takes long.
        """
        values = self._gradient.values()
        goals = keras.tree.map_structure(lambda part: ops.convert_to_tensor(part, "float32"), goals)
        tensors = {name: ops.convert_to_tensor(getattr(state, name)) for name in _TENSORS}
        history, bar = [], Progress(steps, progress)
        for step in range(state.step, state.step + steps):
            rate = self._rate * (0.5 + 0.5 * np.cos(np.pi * (step - state.step) / steps) if cool else 1.0)
            view = self._transforms.draw(state.seed, step, self.parameterization.shape[:2])
            numbers = [ops.convert_to_tensor(np.asarray(part, "float32")) for part in (step + 1, rate, view)]
            take = self._rescuing_step if ops.convert_to_numpy(tensors["mode"]).any() else self._step
            (scores, dead), tensors = take(values, tensors, *numbers, goals)
            contrast = rescue.restart_contrast(step)
            if contrast is not None:
                tensors = self._restarted(tensors, dead, contrast, step, state)
            history.append(scores)
            bar.update(scores)
        arrays = {name: ops.convert_to_numpy(part) for name, part in tensors.items()}
        return AscentState(**arrays, step=state.step + steps, seed=state.seed, keys=state.keys), _stacked(history)

    def images(self, state):
        """Return the images of a state, float32 `(n, height, width, channels)`, inside their range."""
        images = ops.convert_to_numpy(self._render(ops.convert_to_tensor(state.parameters)))
        return images.astype("float32").clip(*self.parameterization.value_range)

    def features(self, images):
        """Return the current features of images at the objective's paths, NumPy arrays."""
        return self._gradient.features(images)

    def scores(self, images, goals):
        """Return the current scores `(n,)` of untransformed images, each of its own row of `goals`."""
        return self._gradient.scores(images, goals)

    def all_scores(self, images, goals):
        """Return the current scores `(n, k)` of untransformed images, of each of the `k` rows of `goals`."""
        return self._gradient.all_scores(images, goals)

    @property
    def model(self):
        """The model for which images are optimized."""
        return self._gradient.model

    @property
    def paths(self):
        """The paths of the layer calls that the objective is made of."""
        return self._gradient.paths

    def _trace(self, values, tensors, number, rate, view, goals, *, rescuing):
        """Return the scores before one step and who is to start again, and the tensors after it."""
        self.traces += 1
        known = rescue.Rescue(*(tensors[name] for name in rescue.FIELDS))
        leaks = rescue.leaks(known.mode) if rescuing else None
        scores, direction, flow = self._gradient(values, tensors["parameters"], goals, view, leaks)
        known, anew = rescue.updated(known, scores, flow, number)
        return (scores, anew), _adam(tensors, direction, number, rate) | dict(zip(rescue.FIELDS, known, strict=True))

    def _restarted(self, tensors, dead, contrast, step, state):
        """Return the tensors with dead images started again from noise of this contrast."""
        dead = np.flatnonzero(ops.convert_to_numpy(dead))
        if not len(dead):
            return tensors
        parameters = ops.convert_to_numpy(tensors["parameters"]).copy()
        generators = _generators([state.keys[row] for row in dead], (state.seed, step))
        parameters[dead] = self.parameterization.start(generators, contrast)
        return tensors | {"parameters": ops.convert_to_tensor(parameters)}

    def _state(self, parameters, seed, keys):
        zeros = np.zeros_like(parameters)
        return AscentState(parameters, zeros, zeros, *rescue.at_start(len(parameters)), 0, seed, tuple(keys))


_TENSORS = ("parameters", "mean", "square", *rescue.FIELDS)


def _generators(keys, seed):
    return [np.random.default_rng([*np.atleast_1d(seed), *np.atleast_1d(key)]) for key in keys]


def _adam(tensors, gradient, number, rate):
    """Return the tensors after one step of Adam, upwards; `number` counts from 1."""
    mean = MEAN_DECAY * tensors["mean"] + (1 - MEAN_DECAY) * gradient
    square = SQUARE_DECAY * tensors["square"] + (1 - SQUARE_DECAY) * ops.square(gradient)
    move = mean / (1 - MEAN_DECAY**number) / (ops.sqrt(square / (1 - SQUARE_DECAY**number)) + EPSILON)
    return {"parameters": tensors["parameters"] + rate * move, "mean": mean, "square": square}


def _stacked(history):
    return np.stack([ops.convert_to_numpy(scores) for scores in history], axis=1).astype("float32")
