"""Models of the command line: a file, or a name in `keras.applications`, and how each wants its photos."""

import inspect
import warnings
from pathlib import Path

import keras

from keras_see.model.layer_calls import first_line
from keras_see.optimization.image_spec import image_spec_of

# What makes of bytes what a model takes: nothing, shares of one, or what the models of `keras.applications` do.
WAYS = ("none", "unit", "tf", "torch", "caffe")


def named_model(name, way=None):
    """Return a model and the `preprocess` that makes of photos of 0 to 255 what it takes, or None.

    Args:
        name: The path of a model that Keras has saved, or a name such as "inception_v3".
        way: One of `WAYS`. By default a model of `keras.applications` gets what it was trained on, and a file what its
            first layers tell: bytes if they rescale, else shares of one.
    """
    if Path(name).is_file():
        model, own = loaded_model(name), None
    elif Path(name).suffix in (".keras", ".h5") or "/" in name or "\\" in name:
        raise ValueError(
            f"--model must be a file or a name of keras.applications. There is no file {name!r}. Check it."
        )
    else:
        model, own = _application(name)
    if way is None and own is None:
        way = "none" if image_spec_of(model, parameterization="pixels").parameterization.value_range[1] > 1 else "unit"
    return model, own if way is None else _preprocess(way)


def loaded_model(path):
    """Return a model out of a file, in safe mode: nothing that the file holds is run as a program."""
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
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")  # any size is what is wanted
            return build(weights="imagenet", include_top=False), module.preprocess_input
    except Exception as error:  # no internet, no space, a broken download
        raise ValueError(
            f"The weights of {name!r} come from the internet, by Keras's own download. That failed: "
            f"{first_line(error)} Pass a model that is on this machine: --model path/to/model.keras"
        ) from error


def _preprocess(way):
    if way == "none":
        return None
    if way == "unit":
        return lambda images: images / 255
    return lambda images: keras.applications.imagenet_utils.preprocess_input(images, mode=way)
