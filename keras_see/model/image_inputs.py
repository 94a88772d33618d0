"""The pictures among a model's inputs: their order and names, and the one that `image=` means."""

import keras

from keras_see._validation import is_whole, shown


def picture_numbers(model, inputs):
    """Return the pictures among inputs as number -> name, in the model's own order.

    The number is the place among the flattened inputs, which for a dict is that of its sorted names.

    Args:
        model: A built model.
        inputs: Arrays, tensors or `keras.KerasTensor`, in the structure that the model takes.
    """
    names = _names(inputs)
    leaves = keras.tree.flatten(inputs)
    own = getattr(model, "input", None) if getattr(model, "inputs", None) else None
    order = range(len(leaves))
    if isinstance(inputs, dict) and len(names) == len(leaves):
        wanted = [name for name in own if name in names] if isinstance(own, dict) else list(inputs)
        order = [names.index(name) for name in wanted]
    elif own is not None and len(keras.tree.flatten(own)) == len(leaves):
        names = list(own) if isinstance(own, dict) else [tensor.name for tensor in keras.tree.flatten(own)]
    return {number: names[number] for number in order if len(leaves[number].shape) == 4}


def number_of(image, pictures):
    """Return the number of the picture that `image=` means: a name, a place among all inputs, or None for the first."""
    if image is None:
        return next(iter(pictures), 0)
    if isinstance(image, str) and image in pictures.values():
        return next(number for number, name in pictures.items() if name == image)
    if is_whole(image) and image in pictures:
        return int(image)
    known = ", ".join(f"{number} ({name!r})" if name else str(number) for number, name in sorted(pictures.items()))
    raise ValueError(
        f"`image` must be the number or the name of an input that holds pictures: {known}. "
        f"Got {shown(image)}. Choose one of these, or leave it out for the first."
    )


def _names(inputs):
    """Return the names of flattened inputs: the keys of a dict, else None."""
    if not isinstance(inputs, dict):
        return [None] * len(keras.tree.flatten(inputs))
    return sorted(inputs)
