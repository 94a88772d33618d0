"""The code that makes images fit a model, for messages: what a user can paste."""

import math

# Code that changes the number of channels, from -> to.
CHANNELS = {
    (1, 3): "numpy.repeat({}, 3, axis=-1)",
    (2, 3): "numpy.repeat({}[..., :1], 3, axis=-1)",
    (4, 3): "{}[..., :3]",
    (2, 1): "{}[..., :1]",
    (3, 1): "numpy.mean({}, axis=-1, keepdims=True, dtype='float32')",
    (4, 1): "numpy.mean({}[..., :3], axis=-1, keepdims=True, dtype='float32')",
}

# Code that makes four axes of two, three, four or five, each with the shape that it gives, the likeliest first.
AXES = {
    2: [("{}[None, ..., None]", lambda shape: (1, *shape, 1))],
    3: [
        ("{}[None]", lambda shape: (1, *shape)),
        ("{}[..., None]", lambda shape: (*shape, 1)),
        ("numpy.moveaxis({}, 0, -1)[None]", lambda shape: (1, *shape[1:], shape[0])),
    ],
    4: [
        ("{}", lambda shape: shape),
        ("numpy.moveaxis({}, 1, -1)", lambda shape: (shape[0], *shape[2:], shape[1])),
    ],
    5: [("{}[:, 0]", lambda shape: (shape[0], *shape[2:]))],
}


def fits(shape, wanted):
    """Return whether a shape is the wanted one, in which None stands for any size."""
    return len(shape) == len(wanted) and all(b in (None, a) for a, b in zip(shape[1:], wanted[1:], strict=True))


def fitting_code(shape, wanted, name="images"):
    """Return code that makes an array fit, or None where there is no plain way.

    Args:
        shape: Of the array.
        wanted: `(n, height, width, channels)`, None where it is free.
        name: The name of the array in the code.
    """
    changes = [(code.format(name), found) for code, found in _with_four_axes(shape, wanted)]
    for code, found in changes:
        if fits(found, wanted):
            return code
    for code, found in changes:
        if wanted[-1] in (None, found[-1]) or (found[-1], wanted[-1]) in CHANNELS:
            return _resized(CHANNELS.get((found[-1], wanted[-1]), "{}").format(code), found, wanted)
    return None


def wrapping_code(shape):
    """Return code that lets a model of other inputs take pictures, and the shape of these: `(code, shape)`.

    Args:
        shape: What the model takes, without the axis of the batch.
    """
    picture = (1, *shape, 1)[-3:] if len(shape) < 3 else (math.prod(shape[:-2]), *shape[-2:])
    layers = f"keras.Input({picture}), keras.layers.Reshape({tuple(shape)}), model"
    return f"keras.Sequential([{layers}])", picture


def _with_four_axes(shape, wanted):
    """Return pairs of code and the shape that it gives, the likeliest first."""
    changes = [(code, change(shape)) for code, change in AXES.get(len(shape), [])]
    image = wanted[1:]
    if len(shape) in (1, 2) and None not in image and shape[-1] == math.prod(image):
        return [(f"{{}}.reshape{(-1, *image)}", (1, *image)), *changes]
    return changes


def _resized(code, found, wanted):
    size = tuple(side or own for side, own in zip(wanted[1:3], found[1:3], strict=True))
    return code if size == tuple(found[1:3]) else f"keras.ops.image.resize({code}, {size})"
