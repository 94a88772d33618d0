"""The layer calls of one run of a model, in execution order, and how to find a layer among them."""

import dataclasses
import difflib
import re
import weakref

import keras

from keras_see._validation import shown
from keras_see.model.activations import closing_activation
from keras_see.model.image_inputs import number_of

# Some layers give other results for a batch of unknown size, and a batch of one hides the batch axis.
BATCH = 2


class Call:
    """One call of one layer, or of one operation of a functional graph, in a run of the model.

    Attributes:
        path: `"backbone/conv"`; `"backbone/conv#1"` is its second call in the run.
        operation: The layer or operation; not kept alive by this.
        turn: 0 for the operation's first call in the run.
        type: The name of the operation's class.
        shape: Of the output, for a batch of two; None if that is not a single tensor.
        dtype: Of the output.
        input_shape: Of the first argument, likewise.
        input_dtype: Of the first argument.
        is_leaf: Whether it calls no other layer.
        is_output: Whether it gives an output of the model, or the logits from which that is made.
        is_closed: Whether its output comes after the closing softmax or sigmoid; the explained score comes before it.
        is_repeated: Whether its output is that of a call inside it.
        is_attention: Whether it mixes tokens: an attention layer, or a call of scores between all tokens.
        is_inner: Whether it runs inside a loop or a branch, out of which no tap can hand a tensor.
        axis: Of a softmax, the axis that it sums over.
        sees: The numbers of the inputs that its output depends on.
        reaches: The numbers of the outputs that depend on its output.
        moves: The numbers of those that do by operations that have gradients.
        carries: Pairs `(input, output)`: all that the output owes to the input goes through this call.
        grids: Number of an input -> the `Grid` of the output on that image.
        input_grids: The same of its (first) input.
    """

    def __init__(self, path, operation, turn):
        self.path, self.turn, self.type = path, turn, type(operation).__name__
        self._operation = weakref.ref(operation)
        self.shape = self.dtype = self.input_shape = self.input_dtype = None
        self.is_leaf, self.is_output, self.is_closed, self.is_inner = True, False, False, False
        self.is_repeated = self.is_attention = False
        self.sees = self.reaches = self.moves = self.carries = frozenset()
        self.grids, self.input_grids, self.axis = {}, {}, -1

    @property
    def operation(self):
        """The layer or operation that is called."""
        return self._operation()

    @property
    def spatial(self):
        """Whether the output has rows and columns."""
        return self.shape is not None and len(self.shape) == 4 and max(self.shape[1:3]) > 1

    @property
    def usable(self):
        """Whether the output can be explained: it has rows and columns, and is not behind the closing activation."""
        return self.spatial and not self.is_closed

    @property
    def input_path(self):
        """The path of the call's input, where `path` is that of its output."""
        return f"input of {self.path}"


@dataclasses.dataclass(frozen=True)
class LayerCalls:
    """The calls of one run of a model, in execution order, and how its outputs are made.

    Attributes:
        calls: Each `Call`.
        outputs: The model's outputs in their own structure, leaves as `keras.KerasTensor`.
        closings: Per output, the `Call` that ends in a softmax or sigmoid, or None.
        chain: The calls that made the first output, each from the one after it: from the output backwards.
        pictures: The inputs that hold pictures, number -> name, in the model's own order.
        image_grids: Number of a picture -> its own `Grid`: where its rows and columns are.
        sources: Per output, the numbers of the inputs that it depends on, by operations that have gradients.
        image: The number of the input that is explained. Default: the first picture.
        explained: The numbers of the outputs that are explained. Default: the first.
    """

    calls: list
    outputs: object
    closings: list
    chain: list
    pictures: dict
    image_grids: dict = dataclasses.field(default_factory=dict)
    sources: tuple = ()
    image: int | None = None
    explained: frozenset = frozenset([0])

    def __post_init__(self):
        if self.image is None:
            object.__setattr__(self, "image", next(iter(self.pictures), 0))

    def explaining(self, image=None, outputs=None):
        """Return the same calls for another explained image (`image=` of a user) and other explained outputs."""
        outputs = self.explained if outputs is None else frozenset(outputs)
        return dataclasses.replace(self, image=number_of(image, self.pictures), explained=outputs)

    @property
    def closing(self):
        """How the (first) explained output ends: "softmax", "sigmoid", one of these with its logarithm, or None."""
        closing = self.closings[min(self.explained, default=0)]
        return closing and closing_activation(closing.operation)

    @property
    def class_axis(self):
        """The axis of the classes in the (first) explained output."""
        closing = self.closings[min(self.explained, default=0)]
        return -1 if closing is None else closing.axis

    @property
    def image_moves_score(self):
        """Whether the explained score depends on the explained image, by operations that have gradients."""
        return any(self.image in self.sources[number] for number in self.explained)

    @property
    def use_float16(self):
        """Whether any call computes in float16, which loses small gradients."""
        return any("float16" in (call.dtype, call.input_dtype) for call in self.calls)

    def default_call(self):
        """Return the last call on the way from the image to the score that gives rows and columns of the image.

        Where the way has branches, the last is taken through which all of it goes, unless that is more than twice as
        fine. Of a class token's way, the tokens that the last attention takes: behind it those of the image have no
        gradient.
        """
        found = [call for call in self.calls if self._is_candidate(call)]
        if not found:
            raise ValueError(
                "`model` must have a layer between image and score whose output has rows and columns of the image: "
                "shape (batch, rows, columns, channels). "
                f"None of the {len(self.calls)} calls of layers in this one has such an output. "
                "Use a method of the input alone, such as saliency."
            )
        found = self._before_last_attention(found)
        most = 2 * max(self.grid_of(found[-1]).shape)
        whole = [call for call in found if self._carries_all(call) and max(self.grid_of(call).shape) <= most]
        return (whole or found)[-1]

    def grid_of(self, call):
        """Return the `Grid` of a call's output on the explained image, or None."""
        return call.grids.get(self.image)

    def grid_at(self, path):
        """Return the `Grid` of the features at a call's `path` or `input_path`; "" is the image itself."""
        if not path:
            return self.image_grids.get(self.image)
        for call in self.calls:
            if path == call.path:
                return self.grid_of(call)
            if path == call.input_path:
                return call.input_grids.get(self.image)
        return None

    def has_gradient(self, path):
        """Return whether the explained score has a gradient with respect to the features at a path."""
        if not path:
            return self.image_moves_score
        found = [call for call in self.calls if path in (call.path, call.input_path)]
        return any(self.explained & call.moves for call in found)

    def is_on_way(self, call):
        """Return whether the explained score depends on the image by way of this call."""
        return self.image in call.sees and bool(self.explained & call.reaches)

    def _is_candidate(self, call):
        grid = self.grid_of(call)
        if grid is None or max(grid.shape) < 2 or call.is_inner or call.is_closed or call.is_output:
            return False
        return self.is_on_way(call) and not call.is_repeated and bool(self.explained & call.moves)

    def _carries_all(self, call):
        return all((self.image, output) in call.carries for output in self.explained & call.reaches)

    def _before_last_attention(self, found):
        """Return the candidates up to the input of the last attention, where the way goes on by a class token."""
        if not self.grid_of(found[-1]).first:
            return found
        takers = [call for call in self.calls if call.is_attention and self.is_on_way(call)]
        before = [call for call in found if takers and self.calls.index(call) < self.calls.index(takers[-1])]
        return before or found

    def find(self, layer):
        """Return the call that `layer` means: a name, a path, the unique end of a path, or the layer itself."""
        if isinstance(layer, str):
            found = [call for call in self.calls if call.path == layer]
            found = found or [call for call in self.calls if call.path.endswith("/" + layer)]
        else:
            found = [call for call in self.calls if call.operation is layer][:1]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"`layer` must mean one layer. {layer!r} is the end of {len(found)} paths. "
                f"Give one of them: {', '.join(call.path for call in found)}."
            )
        name = layer if isinstance(layer, str) else getattr(layer, "name", "")
        came = f"It calls no {name!r}." if isinstance(layer, str | keras.Operation) else f"Got {shown(layer)}."
        raise ValueError(
            f"`layer` must be a layer that the model calls, its name or its path. {came} " + self._candidates(str(name))
        )

    def spatial_call(self, layer):
        """Return the call that `layer` means (None: the default); raise if its output has no rows and columns."""
        if layer is None:
            return self.default_call()
        call = self.find(layer)
        if call.is_closed:
            raise ValueError(
                "`layer` must come before the closing softmax or sigmoid, because what goes into that is explained. "
                f"{call.path!r} gives what comes out of it. " + self._candidates("")
            )
        if not (self.is_on_way(call) or call.is_inner):
            raise ValueError(
                "`layer` must lie on the way from the image to the explained score. "
                f"{self._why_not_on_way(call)} " + self._candidates("")
            )
        if self.grid_of(call) is None or call.is_inner or max(self.grid_of(call).shape) < 2:
            raise ValueError(
                "`layer` must have an output with rows and columns of the image: (batch, rows, columns, channels). "
                f"That of {call.path!r} {self._why_no_grid(call)}. " + self._candidates("")
            )
        return call

    def _why_not_on_way(self, call):
        if self.image not in call.sees:
            return f"{call.path!r} does not depend on {self.image_name()}."
        return f"The score does not depend on {call.path!r}."

    def _why_no_grid(self, call):
        if call.is_inner:
            return "stays inside a loop or a branch"
        if call.shape is None:
            return "is not a single tensor"
        if call.shape[0] != BATCH:
            near = next((each for each in self.calls[self.calls.index(call) :] if self._is_candidate(each)), None)
            whole = f"; {near.path!r} holds the whole" if near else ""
            return f"holds {call.shape[0] / BATCH:g} parts per image along the batch axis{whole}"
        return f"has shape {per_batch(call.shape)}" + (", which are not places of it" if len(call.shape) == 4 else "")

    def image_name(self):
        """Return the explained image in words."""
        name = self.pictures.get(self.image)
        return "the image" if len(self.pictures) < 2 else f"the image {self.image if name is None else repr(name)}"

    def _candidates(self, name):
        names = {}
        for call in self.calls:
            parts = call.path.split("/")
            for start in range(len(parts)):
                names.setdefault("/".join(parts[start:]), call.path)
        near = dict.fromkeys(names[close] for close in difflib.get_close_matches(name, names, n=3))
        fitting = [call for call in self.calls if self.grid_of(call) and call.spatial and self.is_on_way(call)]
        usable = [f"{call.path} {call.shape[1:]}" for call in fitting if not (call.is_closed or call.is_inner)]
        left_out = f"{len(usable) - 10} earlier ones and " if len(usable) > 10 else ""
        hint = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
        return f"{hint}Usable: {left_out}{', '.join(usable[-10:]) or 'none'}; keras_see.layers(model) lists all."


def per_batch(shape):
    """Return a shape in words, its first axis being the batch."""
    return f"({', '.join(['batch', *map(str, shape[1:])])})"


def first_line(error):
    """Return an error's message in one line with a full stop; of Keras's long reports the part raised in the layer."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = text.partition("Error encountered:\n")[2] or text
    bold = re.findall(r"\x1b\[1m(.*?)\x1b\[0m", text, re.DOTALL)
    lines = (bold[-1] if bold else text).strip().splitlines() or [type(error).__name__]
    return lines[0].partition(" for '{{node")[0].rstrip(".: ") + "."  # the rest names nodes of the graph
