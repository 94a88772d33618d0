"""The layer table: the layers of a model that a person would choose from, with the methods that fit each."""

import dataclasses
import html
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from keras_see._validation import is_size, shown
from keras_see.attribution.grad_cam import GRAD_CAM
from keras_see.attribution.layer_folding import calls_worth_choosing
from keras_see.attribution.registry import METHODS, OPTIMIZED, allows
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import IMAGES
from keras_see.model.inputs import check_model, input_shapes, shape_built_for

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
        default_of: Words of those that take it where no layer is named.
    """

    path: str
    type: str
    output_shape: tuple[int, ...] | None
    methods: tuple[str, ...]
    default_of: tuple[str, ...] = ()


class LayerTable(list[LayerRow]):
    """A list of `LayerRow` that prints, and shows in notebooks, as a table with a column per method.

    Methods that can be used at the same layers share a column.

    Attributes:
        default: The path of the layer that Grad-CAM takes where none is named, or None if there is none. A method with
            another default has "default" in its column, and its word in `default_of` of the row.
    """

    def __init__(self, rows: Iterable[LayerRow], default: str | None, notes: Sequence[str] = ()) -> None:
        super().__init__(rows)
        self.default, self._notes = default, notes

    def __repr__(self):
        rows = self._cells()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join([lines[0], rule, *lines[1:], *self._below()])

    def _repr_html_(self):
        head, *rows = ["".join(f"<{{0}}>{html.escape(cell)}</{{0}}>" for cell in row) for row in self._cells()]
        body = "".join(f"<tr>{row.format('td')}</tr>" for row in rows)
        below = "".join(f"<p>{html.escape(line)}</p>" for line in self._below())
        return f"<table><thead><tr>{head.format('th')}</tr></thead><tbody>{body}</tbody></table>{below}"

    def _columns(self):
        """Return the words of methods that share a column -> the cells of that column."""
        words = dict.fromkeys(word for row in self for word in row.methods)
        cells = {word: tuple(_mark(row, word) for row in self) for word in words}
        return {tuple(word for word in words if cells[word] == column): column for column in cells.values()}

    def _cells(self):
        """Return the heading and the rows, as texts."""
        columns = self._columns()
        headings = ["path", "type", "output shape", *(words[0] + ", ..." * (len(words) > 1) for words in columns)]
        cells = zip(*columns.values(), strict=True) if columns else [()] * len(self)
        return [headings, *([*_described(row), *marks] for row, marks in zip(self, cells, strict=True))]

    def _below(self):
        """Return the lines below the table."""
        shared = [f"{words[0]}, ...: {', '.join(words)}" for words in self._columns() if len(words) > 1]
        return [*shared, *self._notes]


def _mark(row, word):
    return "default" if word in row.default_of else "yes" if word in row.methods else ""


def _described(row):
    shape = "several tensors" if row.output_shape is None else " × ".join(map(str, row.output_shape))
    return row.path, row.type, shape


def layers(model: keras.Model, size: tuple[int, int] | None = None, *, all: bool = False) -> LayerTable:
    """Return a table of the layers that a person would choose from, in execution order, with the methods that fit each.

    Left out unless `all` is given: layers that augment, rescale, normalize, pad, crop, activate or drop out, and nested
    models, whose own layers are there. Where more than 30 layers are left, those inside of blocks are left out too:
    the table then has the layers that join branches, the last layer of each size, and the head. Where these are still
    more than 30, it has no joins. Other layers can be chosen all the same.

    The model runs on symbols, in inference mode: nothing is computed and nothing changes. A layer called twice is
    listed twice.

    Args:
        model: A built Keras model, of any kind.
        size: `(height, width)` of the images, for a model that takes any. Default: what a subclassed model was built
            for, else 224 × 224.
        all: Whether to list every call of every layer; the layers of a nested model come before the nested model.

    Returns:
        A list of rows with `path`, `type`, `output_shape` (rows, columns and channels, without the batch axis),
        `methods` and `default_of`; printed as a table. Its `default` is the path of the layer that Grad-CAM takes
        where none is named.

    Raises:
        ValueError: If the model is not built, or does not tell the shape of its inputs and `size` is not given.

    Example:
        >>> from keras_see import gap_classifier
        >>> table = layers(gap_classifier(5, (32, 32, 3)))
        >>> table[-2].path, table[-2].output_shape, table[-2].methods
        ('class_maps', (8, 8, 5), ('grad_cam', 'cam'))
        >>> table.default
        'class_maps'
    """
    check_model(model)
    if size is not None and not is_size(size):
        raise ValueError(
            f"`size` must be (height, width) in pixels. Got {shown(size)}. Leave it out, or pass (224, 224)."
        )
    layer_calls = layer_calls_of(model, _blank_images(model, size))
    calls, places = layer_calls.calls if all else calls_worth_choosing(layer_calls), _default_places(layer_calls)
    default = places.get(GRAD_CAM.word)
    rows = [_row(layer_calls, call, places, default) for call in calls]
    return LayerTable(rows, default, _notes(rows, places, len(layer_calls.calls)))


def _default_places(layer_calls):
    """Return, for the methods that the model allows, word -> the place that is taken where no layer is named."""
    return {word: method.place(layer_calls, None) for word, method in METHODS.items() if allows(layer_calls, method)}


def _row(layer_calls, call, places, default):
    methods = tuple(word for word, method in METHODS.items() if allows(layer_calls, method, call.path))
    # CAM takes the input of the averaging layer: what the default layer gives.
    taken = {word: default if place.startswith("input of ") else place for word, place in places.items()}
    default_of = tuple(word for word in methods if taken.get(word) == call.path)
    return LayerRow(call.path, call.type, call.shape and call.shape[1:], methods, default_of)


def _notes(rows, places, count):
    """Return what a reader must know beside the rows."""
    of_images = [word for word, place in places.items() if place == IMAGES]
    left_out = f"{len(rows)} of {count} layers; all=True (keras-see layers --all) lists all, and any can be chosen."
    takes_none = f"Without a layer: {', '.join(of_images)}. With any layer: {', '.join(OPTIMIZED)}."
    return [takes_none, *([left_out] if len(rows) < count else [])]


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
