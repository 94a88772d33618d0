"""Load a model from a file, or by its name in `keras.applications`, together with its preprocessing."""

import inspect
import warnings
from pathlib import Path

import keras

from keras_see.model.layer_calls import first_line
from keras_see.optimization.image_spec import image_spec_of


def named_model(name, mode=None):
    """Return a model and the `preprocess` function for photos of 0 to 255, or None where it needs none.

    Args:
        name: The path of a model that Keras has saved, or a name such as "inception_v3".
        mode: `"none"`, `"unit"` (divided by 255), or a mode of `keras.applications.imagenet_utils`: `"tf"`, `"torch"`,
            `"caffe"`. By default a model of `keras.applications` gets its own, a file `"none"` if its first layers
            rescale, else `"unit"`.
    """
    if Path(name).is_file():
        model, own = loaded_model(name), None
    elif Path(name).suffix in (".keras", ".h5") or "/" in name or "\\" in name:
        raise ValueError(
            f"--model must be a file or a name of keras.applications. There is no file {name!r}. Check the path."
        )
    else:
        model, own = _application(name)
    if mode is None and own is None:
        mode = "none" if image_spec_of(model, parameterization="pixels").parameterization.value_range[1] > 1 else "unit"
    return model, own if mode is None else _preprocess(mode)


def loaded_model(path):
    """Return the model in a file, loaded in safe mode: no code in the file is run."""
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # what Keras raises depends on what the file holds
        raise ValueError(
            f"MODEL must be a model that Keras can load by itself. {str(path)!r} is none: {first_line(error)} "
            "Save one with model.save('model.keras'); where it needs classes of your own, call the function in "
            "your program."
        ) from error


def _application(name):
    """Return a model without its top, so that it takes photos of any size, and its `preprocess`."""
    plain = name.lower().replace("_", "").replace("-", "")
    modules = [module for module in vars(keras.applications).values() if inspect.ismodule(module)]
    known = {
        each.lower(): (build, module)
        for module in modules
        for each, build in vars(module).items()
        if each[0].isupper() and callable(build)
    }
    if plain not in known:
        raise ValueError(
            f"--model must be a file or a name of keras.applications. There is neither a file nor a model {name!r}. "
            f"Known are {', '.join(sorted(build.__name__ for build, _ in known.values()))}."
        )
    build, module = known[plain]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")  # meant: the model takes any size
            return build(weights="imagenet", include_top=False), module.preprocess_input
    except Exception as error:  # no internet, no space, a broken download
        raise ValueError(
            f"The weights of {name!r} come from the internet, by Keras's own download. That failed: "
            f"{first_line(error)} Pass a model that is on this machine: --model path/to/model.keras"
        ) from error


def _preprocess(mode):
    if mode == "none":
        return None
    if mode == "unit":
        return lambda images: images / 255
    return lambda images: keras.applications.imagenet_utils.preprocess_input(images, mode=mode)
