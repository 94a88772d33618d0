"""Value range and preprocessing between an optimized image and the model."""

import numpy as np
from keras import ops

from keras_see._validation import is_size, numeric, shown
from keras_see.model.inputs import input_shapes
from keras_see.model.layer_calls import first_line
from keras_see.visualization.value_range import BRIGHT

# The size of optimized images where a model leaves height and width open: that of most ImageNet models.
USUAL_SIZE = (224, 224)

# If `preprocess` maps a step of 1 to less than this, it divides by 255 or by 127.5.
DIVIDED = 0.1

# How far, as a share of the largest value, float32 arithmetic may be from an exactly linear map.
ROUNDING = 1e-4


def traceable(preprocess, shape, value_range):
    """Return `preprocess` as a function of tensors that has a gradient on every backend.

    Nearly every `preprocess` is linear in each pixel: channels are scaled, shifted or swapped, written for NumPy
    (`x[..., ::-1] - [104, 117, 123]`), which tensors of JAX and PyTorch refuse. So it is tried on NumPy images first;
    if it is that, its matrix is used. Anything else is traced as it is, and must be made of `keras.ops`.

    Args:
        preprocess: Takes images `(n, height, width, channels)` in `value_range`, or None.
        shape: `(height, width, channels)`.
        value_range: `(low, high)`.
    """
    if preprocess is None:
        return lambda images: images
    if not callable(preprocess):
        raise TypeError(
            "`preprocess` must be a function of images, or None. "
            f"Got {shown(preprocess)}. Pass what makes of your images what the model takes."
        )
    linear = _linear(preprocess, shape, value_range)
    return preprocess if linear is None else linear


def checked_range(value_range, default=None):
    """Return `(low, high)` as floats; raise unless low is below high."""
    value_range = default if value_range is None else value_range
    numbers = numeric(value_range)
    if numbers is None or numbers.shape != (2,) or not np.all(np.isfinite(numbers)) or numbers[0] >= numbers[1]:
        raise ValueError(
            "`value_range` must be (low, high), the least and the greatest value of an image. "
            f"Got {shown(value_range)}. Pass (0, 255) or (0, 1), for instance."
        )
    return float(numbers[0]), float(numbers[1])


def range_for(layer_calls, preprocess, shape):
    """Return the range of images for this `preprocess` and model, as far as these tell: (0, 255), else (0, 1).

    Bytes are expected by what divides, or takes off a mean that only bytes have: a `preprocess`, or a layer that
    comes before all layers with weights.
    """
    black, white = (ops.convert_to_numpy(preprocess(ops.full((1, *shape), value))) for value in (0.0, 1.0))
    if np.abs(black).max() > BRIGHT or np.abs(white - black).max() < DIVIDED:
        return 0.0, 255.0
    for operation in (call.operation for call in layer_calls.calls if call.is_leaf):
        kind = type(operation).__name__
        if kind == "Rescaling" and np.max(operation.scale) < DIVIDED:
            return 0.0, 255.0
        if kind == "Normalization" and np.abs(ops.convert_to_numpy(operation.mean)).max() > BRIGHT:
            return 0.0, 255.0
        if getattr(operation, "weights", None):
            break
    return 0.0, 1.0


def image_shape(model, size=None, fixed=True):
    """Return `(height, width, channels)` of optimized images, in the size that the user wants or the model's own.

    With `fixed`, the size must be what the model takes; without, something before the model may change it.
    """
    shapes = input_shapes(model) or [(None, None, None, 3)]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise ValueError(
            "`model` must have one input of shape (batch, height, width, channels) for images to be optimized for it. "
            f"{model.name!r} takes {', '.join(map(str, shapes))}. Wrap it in a model that fixes the other inputs."
        )
    _, *own, depth = shapes[0]
    if 1 in own:
        raise ValueError(
            "`model` must take two rows and columns or more for images to be optimized for it. "
            f"{model.name!r} takes {shapes[0]}. Use keras_see.saliency_maps, which works with images of any size."
        )
    size = [side or usual for side, usual in zip(own, USUAL_SIZE, strict=True)] if size is None else size
    size = (size, size) if isinstance(size, int | np.integer) else size
    if not is_size(size) or min(size) < 2:
        raise ValueError(
            f"`size` must be (height, width) in pixels. Got {shown(size)}. Leave it out for the model's own."
        )
    if fixed and any(side not in (None, wanted) for side, wanted in zip(own, size, strict=True)):
        raise ValueError(
            f"`size` must be what the model takes, {tuple(own)}. Got {tuple(size)}. Leave it out for the model's own."
        )
    return (*(int(side) for side in size), depth or 3)


def _linear(preprocess, shape, value_range):
    """Return the map as a matrix and a shift, or None if it is not the same linear map at each pixel."""
    low, high = value_range
    middle, step = (low + high) / 2, (high - low) / 4
    random = np.random.default_rng(0).uniform(low, high, (2, *shape)).astype("float32")
    flat = np.full((1, *shape), middle, "float32")
    try:
        base, tried = _applied(preprocess, flat), _applied(preprocess, random)
        moved = [_applied(preprocess, flat + step * unit.astype("float32")) for unit in np.eye(shape[-1])]
    except Exception:
        return None  # made for tensors only
    if base.shape[:3] != flat.shape[:3] or tried.shape != (2, *base.shape[1:]):
        return None
    matrix = np.stack([(image - base)[0, 0, 0] for image in moved]) / step
    if np.abs((random - middle) @ matrix + base - tried).max() > ROUNDING * max(np.abs(tried).max(), 1e-6):
        return None
    matrix, shift = matrix.astype("float32"), (base - middle * matrix.sum(axis=0)).astype("float32")
    if np.abs(shift - shift[:, :1, :1]).max() <= ROUNDING * max(np.abs(tried).max(), 1e-6):
        shift = shift[:, :1, :1]
    return lambda images: ops.matmul(images, ops.convert_to_tensor(matrix)) + ops.convert_to_tensor(shift)


def _applied(preprocess, images):
    return np.asarray(preprocess(images.copy()), "float64")


def traced_shape(preprocess, shape):
    """Return the shape that the model gets for one image of this shape."""
    try:
        return tuple(preprocess(ops.zeros((1, *shape))).shape[1:])
    except Exception as error:
        raise ValueError(
            "`preprocess` must take tensors of the backend, since the gradient goes through it. "
            f"It fails on shape (n, {', '.join(map(str, shape))}): {first_line(error)} Write it with keras.ops."
        ) from error
