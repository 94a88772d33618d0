"""What each tool does at the end of an epoch: functions to time, made for one model and some images.

Each tool is imported where it is used, for each lives in an environment of its own.
"""

import itertools
import tempfile

from floor import last_features


class Look:
    """What a tool does after an epoch, in two parts: what training waits for, and what goes on beside it."""

    def __init__(self, wait, drain=lambda: None, device=None):
        self.wait, self.drain, self.device = wait, drain, device

    def timed(self, clock):
        """Return the seconds that training waits for, and those of what runs beside it."""
        waits, rest = clock(self.wait), clock(self.drain)
        if self.device is None:
            return waits, rest
        blocked = clock(self.device)  # the call returns sooner, but what the device takes, training cannot have
        return blocked, max(waits + rest - blocked, 0.0)


def keras_see_looks(model, images):
    """Callbacks, as `fit` calls them."""
    import keras_see

    methods = {"saliency": ["saliency"], "grad_cam": ["grad_cam"], "both": ["saliency", "grad_cam"]}
    methods["with cam"] = ["saliency", "grad_cam", "cam"]
    return {name: _watching(keras_see.Watch, model, images, words) for name, words in methods.items()}


def _watching(kind, model, images, words):
    callback = kind(tempfile.mkdtemp(), images, methods=words, n=len(images), before_training=False)
    callback.set_model(model)
    callback.set_params({"epochs": 10**6})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    epochs = itertools.count()
    (view,) = callback._views
    device = (lambda: view.evaluate(model)()) if _returns_early(model) else None
    return Look(lambda: callback.on_epoch_end(next(epochs)), callback._run_writer.drain, device)


def _returns_early(model):
    """Whether the backend hands work to a device and goes on: JAX always, PyTorch on a GPU."""
    import keras

    on_gpu = "cuda" in str(getattr(model.variables[0].value, "device", ""))
    return keras.backend.backend() == "jax" or on_gpu


def tf_explain_looks(model, images):
    """Its callbacks, with its own grid, writing and all."""
    from tf_explain.callbacks.grad_cam import GradCAMCallback
    from tf_explain.callbacks.vanilla_gradients import VanillaGradientsCallback

    data, folder = (images, None), tempfile.mkdtemp()
    layer = model.layers[last_features(model)].name
    callbacks = {
        "saliency": VanillaGradientsCallback(data, class_index=0, output_dir=folder),
        "grad_cam": GradCAMCallback(data, class_index=0, layer_name=layer, output_dir=folder),
    }
    epochs = itertools.count()
    for callback in callbacks.values():
        callback.set_model(model)
    return {
        name: Look(lambda callback=callback: callback.on_epoch_end(next(epochs)))
        for name, callback in callbacks.items()
    }


def tf_keras_vis_looks(model, images):
    """Its objects, kept from call to call; it has no callbacks."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore

    score = CategoricalScore([0] * len(images))
    saliency, gradcam = Saliency(model), Gradcam(model)
    layer = model.layers[last_features(model)].name
    return {
        "saliency": Look(lambda: saliency(score, images)),
        "grad_cam": Look(lambda: gradcam(score, images, penultimate_layer=layer)),
    }


def xplique_looks(model, images):
    """Its objects, kept from call to call; it has no callbacks."""
    import numpy as np
    from xplique.attributions import GradCAM, Saliency

    targets = np.eye(model.output_shape[-1], dtype="float32")[np.zeros(len(images), int)]
    options = {"batch_size": len(images)}
    saliency = Saliency(model, **options)
    grad_cam = GradCAM(model, conv_layer=last_features(model), **options)
    return {
        "saliency": Look(lambda: np.asarray(saliency(images, targets))),
        "grad_cam": Look(lambda: np.asarray(grad_cam(images, targets))),
    }


def pytorch_grad_cam_looks(model, images):
    """Its Grad-CAM on the same Keras model, cut in two: torch's hooks do not reach Keras's layers."""
    import keras
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cut = last_features(model)

    class Halves(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.features = keras.Model(model.inputs, model.layers[cut].output)
            self.here = torch.nn.Identity()

        def forward(self, images):
            features = self.features(images.permute(0, 2, 3, 1), training=False).permute(0, 3, 1, 2)
            outputs = self.here(features).permute(0, 2, 3, 1)
            for layer in model.layers[cut + 1 :]:
                outputs = layer(outputs)
            return outputs

    device = next(model.parameters()).device
    images = torch.tensor(images, device=device).permute(0, 3, 1, 2)
    halves = Halves().eval()
    grad_cam = GradCAM(model=halves, target_layers=[halves.here])
    targets = [ClassifierOutputTarget(0)] * len(images)
    return {"grad_cam": Look(lambda: grad_cam(input_tensor=images, targets=targets))}


LOOKS = {
    "keras_see": keras_see_looks,
    "tf-explain": tf_explain_looks,
    "tf-keras-vis": tf_keras_vis_looks,
    "xplique": xplique_looks,
    "pytorch-grad-cam": pytorch_grad_cam_looks,
}
