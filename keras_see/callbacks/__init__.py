"""Callbacks for `model.fit` that show, epoch by epoch, what a model responds to. One file each."""

from keras_see.callbacks.cam import CAM
from keras_see.callbacks.content_images import ContentImages
from keras_see.callbacks.grad_cam import GradCAM
from keras_see.callbacks.neuron_images import NeuronImages
from keras_see.callbacks.saliency import Saliency
from keras_see.callbacks.watch import Watch

__all__ = ["CAM", "ContentImages", "GradCAM", "NeuronImages", "Saliency", "Watch"]
