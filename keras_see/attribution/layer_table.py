"""The layer table: the layers that a model calls, with the methods that fit each."""

import dataclasses
import html

import keras
import numpy as np

from keras_see._validation import is_size, shown
from keras_see.attribution.registry import METHODS, allows
from keras_see.model.cache import layer_calls_of
from keras_see.model.inputs import check_model, input_shapes, shape_built_for

HEADINGS = ("path", "type", "output shape", "methods")

# Where a model leaves height and width open, the table is made for images of this size.
USUAL_SIZE = (224, 224)


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """One call of one layer.

    Attributes:
        path: What to pass as `layer`: `"backbone/conv"`; `"backbone/conv#1"` is the second call in one run.
        type: Its class.
        output_shape: Without the batch axis; None if the output is not a single tensor.
        methods: Words of the methods that can be used at it.
    """

    path: str
    type: str
    output_shape: tuple[int, ...] | None
    methods: tuple[str, ...]


class LayerTable(list[LayerRow]):
    """A list of `LayerRow` that prints, and shows in notebooks, as a table."""

    def __repr__(self):
        rows = [HEADINGS, *self._cells()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def _repr_html_(self):
        head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cells(self):
        for row in self:
            shape = "several tensors" if row.output_shape is None else " × ".join(map(str, row.output_shape))
            yield row.path, row.type, shape, ", ".join(row.methods)


def layers(model: keras.Model, size: tuple[int, int] | None = None) -> LayerTable:
    """Return a table of the layers that a model calls, in execution order, with the methods that fit each.

    The model runs on symbols, in inference mode: nothing is computed and nothing changes. A layer called twice is
    listed twice, and the layers of a nested model are listed before the nested model itself.

    Args:
        model: A built Keras model, of any kind.
        size: `(height, width)` of the images, for a model that takes any. Default: what a subclassed model was built
            for, else 224 × 224.

    Returns:
        A list of rows with `path`, `type`, `output_shape` (rows, columns and channels, without the batch axis) and
        `methods`; printed as a table.

    Raises:
        ValueError: If the model is not built, or does not tell the shape of its inputs and `size` is not given.

    Example:
        >>> from keras_see import gap_classifier
        >>> layers(gap_classifier(5, (32, 32, 3)))[-3]
        LayerRow(path='class_maps', type='Conv2D', output_shape=(8, 8, 5), methods=('grad_cam', 'cam', 'features'))
    """
    check_model(model)
    if size is not None and not is_size(size):
        raise ValueError(
            f"`size` must be (height, width) in pixels. Got {shown(size)}. Leave it out, or pass (224, 224)."
        )
    layer_calls = layer_calls_of(model, _blank_images(model, size))
    return LayerTable(
        LayerRow(call.path, call.type, call.shape and call.shape[1:], _methods_at(layer_calls, call))
        for call in layer_calls.calls
    )


def _methods_at(layer_calls, call):
    return tuple(word for word, method in METHODS.items() if allows(layer_calls, method, call.path))


def _blank_images(model, size):
    """Return one image of zeros in the structure that the model takes."""
    shapes = input_shapes(model)
    if shapes and size is None and not getattr(model, "inputs", None):
        shapes = [shape_built_for(model)]
    if shapes is None:
        raise ValueError(
            f"`model` must tell the shapes of its inputs. {model.name!r} ({type(model).__name__}) does not. "
            "Use keras_see.maps on some images instead; its errors list the layers."
        )
    blanks = [_blank(shape, USUAL_SIZE if size is None else size) for shape in shapes]
    if len(blanks) == 1:
        return blanks[0]
    return keras.tree.pack_sequence_as(model.input, blanks)


def _blank(shape, size):
    sides = size if len(shape) == 4 else (1,) * (len(shape) - 2)
    known = [side if free is None else free for side, free in zip(sides, shape[1:-1], strict=True)]
    return np.zeros((1, *known, shape[-1]), "float32")
