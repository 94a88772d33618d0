"""Input checks: images that fit the model, and their batches."""

import os

import keras
import numpy as np

from keras_see._validation import shown
from keras_see.model.fitting_code import fits, fitting_code, wrapping_code
from keras_see.model.image_batches import to_numpy
from keras_see.model.input_kinds import check_kind
from keras_see.model.layer_calls import first_line
from keras_see.pictures.image_loading import is_picture, loaded

# The name, in code that a message shows, of what a function of the user's has made of images.
RESULT = "result"


def check_model(model):
    """Raise unless `model` is a Keras model or layer whose weights exist."""
    if not isinstance(model, keras.Layer):
        is_path = isinstance(model, str | os.PathLike)
        advice = f"keras.saving.load_model({str(model)!r})" if is_path else "the model itself, built or loaded"
        raise TypeError(f"`model` must be a keras.Model. Got {shown(model)}. Pass {advice}.")
    if not model.built:
        raise ValueError(
            f"`model` must be built. {model.name!r} ({type(model).__name__}) has no weights yet. "
            "Call it once on images, or `model.build((None, height, width, channels))`."
        )


def build(model, images):
    """Build a model for images in the structure that it takes, as its first batch of training would."""
    one = keras.tree.map_structure(_one_in_float, images)
    try:
        model(one, training=False)
    except Exception as error:
        shapes = _shapes(keras.tree.flatten(one))
        raise ValueError(
            f"`model` must run on the given images. {model.name!r} fails on shape {shapes}: {first_line(error)} "
            "Give images that `model(images, training=False)` takes."
        ) from error


def check_inputs(images, model=None, what="`images`"):
    """Return images as NumPy arrays in the structure given; raise where they are no images or do not fit the model.

    Args:
        images: `(n, height, width, channels)`, or a list or dict of arrays for a model with several inputs; or what
            `keras_see.pictures.image_loading.loaded` makes of pictures and lists of images for a model with one input.
        model: The model that will take them, if it is built.
        what: The name of the images in messages.
    """
    shapes = input_shapes(model) if model is not None else None
    if shapes is not None:
        check_takes_images(model, shapes)
    wanted = f"{what} must have the shape {_wanted(shapes)}"
    check_kind(images, wanted)
    arrays = keras.tree.map_structure(lambda leaf: leaf if is_picture(leaf) else as_array(leaf, wanted), images)
    if shapes is None or len(shapes) == 1:
        arrays = _with_batch_axis(loaded(arrays, shapes and shapes[0], what), shapes and shapes[0])
    _check_numbers(arrays, wanted, what, shapes)
    if model is not None:
        check_fit(arrays, model, what, "Pass {}.")
    return arrays


def _with_batch_axis(images, shape):
    """Return one image as a batch of one, where it is plain that it is one."""
    if getattr(images, "ndim", 0) != 3:
        return images
    is_one = fits((1, *images.shape), shape) if shape else images.shape[-1] in (1, 3, 4)
    return images[None] if is_one else images


def _check_numbers(arrays, wanted, what, shapes):
    """Raise unless arrays are finite numbers, equally many, with rows and columns in one of them at least."""
    leaves = keras.tree.flatten(arrays)
    for leaf in leaves:
        if is_picture(leaf):
            raise TypeError(
                f"{wanted}, as arrays where they come in a dict or for several inputs. Got {shown(leaf)}. "
                "Load it: numpy.stack([keras.utils.load_img(path, target_size=(height, width))])."
            )
        if leaf.dtype.kind not in "biuf" and leaf.dtype.name != "bfloat16":
            raise TypeError(f"{wanted} and hold numbers. Got {leaf.dtype} values. Convert them first.")
    if not leaves or any(leaf.ndim == 0 or leaf.size == 0 for leaf in leaves):
        raise ValueError(f"{wanted}, with one image at least. Got {_shapes(leaves)}. Pass some images.")
    if not any(leaf.ndim == 4 for leaf in leaves):
        raise ValueError(f"{wanted}. Got {_shapes(leaves)}. {_advice(leaves, shapes, what)}")
    if len({len(leaf) for leaf in leaves}) > 1:
        raise ValueError(
            f"{what} must be equally many for all inputs. Got {_shapes(leaves)}. {_advice_on_numbers(leaves, shapes)}"
        )
    _check_finite(leaves, what)


def _check_finite(leaves, what):
    for leaf in leaves:
        if leaf.dtype.kind == "f" and not np.all(np.isfinite(leaf)):
            bad = np.unique(np.nonzero(~np.isfinite(leaf))[0])
            raise ValueError(
                f"{what} must be finite numbers. Those with index {bad[:5].tolist()} hold NaN or infinity. "
                "Replace these values, or leave the images out."
            )


def check_takes_images(model, shapes):
    """Raise unless a model has an input with rows, columns and channels."""
    if any(len(shape) == 4 for shape in shapes):
        return
    took = f"{model.name!r} takes {', '.join(map(_words, shapes))}. "
    if len(shapes) == 1 and len(shapes[0]) > 1 and None not in shapes[0][1:]:
        code, picture = wrapping_code(shapes[0][1:])
        advice = f"Saliency maps work with {code} and images.reshape{(-1, *picture)}."
    else:
        advice = "Maps of its inputs cannot be drawn as pictures: use a model that takes images."
    raise ValueError(f"`model` must take images (n, height, width, channels). {took}{advice}")


def input_shapes(model):
    """Return the shapes that a built model's inputs may have, None where free; None if the model does not tell."""
    known = getattr(model, "inputs", None) if isinstance(model, keras.Model) else None
    if known:
        return [tuple(tensor.shape) for tensor in known]
    shape = shape_built_for(model)
    return shape and [(None, *[None] * (len(shape) - 2), shape[-1])]  # a model of this kind may take other sizes


def shape_built_for(model):
    """Return the shape of the images that a model without inputs of its own was built for, or None."""
    shape = (model.get_build_config() or {}).get("input_shape") if model.built else None
    if not shape or not isinstance(shape, tuple | list) or not all(isinstance(n, int | None) for n in shape):
        return None
    return tuple(shape)


def _one_in_float(images):
    return images[:1].astype("float32") if images.ndim == 4 else images[:1]


def as_array(leaf, wanted, advice="Take some of its images out, as one array."):
    """Return an array or tensor as a NumPy array; raise TypeError with what is `wanted` and the `advice`."""
    try:
        return to_numpy(leaf)
    except (ValueError, TypeError) as error:  # rows of unequal length, such as the batches of a dataset
        raise TypeError(f"{wanted}. Got {shown(leaf)}. {advice}") from error


def _advice(leaves, shapes, what):
    if len(leaves) > 1:
        return "Pass one array of images, or a list of arrays (height, width, channels)."
    shape, name = leaves[0].shape, _name(what)
    code = fitting_code(shape, shapes[0] if shapes and len(shapes) == 1 else (None, None, None, None), name)
    if len(shape) == 3 and not shapes:
        return f"If these are grey images, pass {name}[..., None]."
    if len(shape) == 5:
        return f"Pass single frames of the videos, such as {code}."
    return f"Pass {code}." if code else f"Reshape them: {name}.reshape(n, height, width, channels)."


def _advice_on_numbers(leaves, shapes):
    if shapes and len(shapes) == 1:
        return "Pass one array of images, or a list of arrays (height, width, channels)."
    return "Cut them to the same number."


def _shapes(leaves):
    """Return shapes in words: all up to three, else the first three and how many more."""
    more = f" and {len(leaves) - 3} more" if len(leaves) > 3 else ""
    return (", ".join(str(leaf.shape) for leaf in leaves[:3]) or "nothing") + more


def check_fit(arrays, model, what="`images`", advice="Pass preprocess=lambda images: {}."):
    """Raise unless checked arrays have the names, number and shapes of a model's inputs.

    Args:
        arrays: In the structure that the model takes.
        model: A built model.
        what: The name of the arrays in messages.
        advice: What to do with code that makes the arrays fit, `{}`.
    """
    named, leaves, shapes = _named_inputs(model), keras.tree.flatten(arrays), input_shapes(model)
    if shapes is not None:
        check_takes_images(model, shapes)
    if isinstance(arrays, dict) and named is not None:
        _check_names(arrays, named, what)
        leaves, shapes = [arrays[name] for name in named], [tuple(tensor.shape) for tensor in named.values()]
    if shapes is None:
        return
    if len(shapes) != len(leaves):
        raise ValueError(
            f"{what} must have one array for each of the model's {len(shapes)} inputs. Got {len(leaves)}. "
            + (
                "Images with labels are a tuple: tuple(images)."
                if len(shapes) == 1
                else "Pass them as the model takes them."
            )
        )
    for leaf, shape in zip(leaves, shapes, strict=True):
        if not fits(leaf.shape, shape):
            is_alone = len(leaves) == 1 and not isinstance(arrays, dict)
            change = _change(leaf.shape, shape, what, advice) if is_alone else None
            raise ValueError(
                f"{what} must fit the model's input, {_words(shape)}. Got shape {leaf.shape}. "
                + (change or "Give images that the model was made for.")
            )


def _change(shape, wanted, what, advice):
    """Return how to make an array fit, or None where there is no plain way."""
    code = fitting_code(shape, wanted, _name(what))
    if code and _name(what) == RESULT:
        return f"Let it return {code}."
    return code and ("Pass {}." if "moveaxis" in code else advice).format(code)


def _name(what):
    """Return the name that code in a message gives to images that messages call `what`."""
    return what.strip("`") if what.startswith("`") else RESULT


def _named_inputs(model):
    """Return the inputs of a graph of layers under the names that Keras knows them by, or None."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        return None
    given = getattr(model, "input", model.inputs)  # a Sequential model has `inputs` only
    if isinstance(given, dict) and all(isinstance(tensor, keras.KerasTensor) for tensor in given.values()):
        return given
    return None if isinstance(given, dict) else {tensor.name: tensor for tensor in keras.tree.flatten(given)}


def _check_names(arrays, named, what):
    if set(arrays) != set(named):
        raise ValueError(
            f"{what} as a dict must have the names of the model's inputs, {', '.join(map(str, named))}. "
            f"Got {', '.join(map(str, arrays))}. Rename the entries, and leave out those that the model does not take."
        )


def _wanted(shapes):
    return ", ".join(map(_words, shapes)) if shapes else "(n, height, width, channels)"


def _words(shape):
    names = ("n", "height", "width", "channels") if len(shape) == 4 else ("n", *["any"] * (len(shape) - 1))
    return "(" + ", ".join(name if size is None else str(size) for name, size in zip(names, shape, strict=True)) + ")"
