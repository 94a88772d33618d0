"""The layer calls of one run of a model, in execution order, and how to find a layer among them."""

import dataclasses
import difflib
import re
import weakref

import keras

from keras_see._validation import shown
from keras_see.model.activations import closing_activation

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
    """

    def __init__(self, path, operation, turn):
        self.path, self.turn, self.type = path, turn, type(operation).__name__
        self._operation = weakref.ref(operation)
        self.shape = self.dtype = self.input_shape = self.input_dtype = None
        self.is_leaf, self.is_output, self.is_closed = True, False, False

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
    """

    calls: list
    outputs: object
    closings: list
    chain: list

    @property
    def closing(self):
        """How the first output ends: "softmax", "sigmoid" or None."""
        return self.closings[0] and closing_activation(self.closings[0].operation)

    @property
    def use_float16(self):
        """Whether any call computes in float16, which loses small gradients."""
        return any("float16" in (call.dtype, call.input_dtype) for call in self.calls)

    def default_call(self):
        """Return the last call whose output has rows and columns and is not the model's output."""
        for call in reversed(self.calls):
            if call.spatial and call.is_leaf and not call.is_output:
                return call
        raise ValueError(
            "`model` must have a layer whose output has rows and columns: shape (batch, rows, columns, channels). "
            f"None of the {len(self.calls)} calls of layers in this one has such an output. "
            "Use a method of the input alone, such as saliency."
        )

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
        if not call.usable:
            found = "is not a single tensor" if call.shape is None else f"has shape {per_batch(call.shape)}"
            raise ValueError(
                "`layer` must have an output with rows and columns: (batch, rows, columns, channels). "
                f"That of {call.path!r} {found}. " + self._candidates("")
            )
        return call

    def _candidates(self, name):
        names = {}
        for call in self.calls:
            parts = call.path.split("/")
            for start in range(len(parts)):
                names.setdefault("/".join(parts[start:]), call.path)
        near = dict.fromkeys(names[close] for close in difflib.get_close_matches(name, names, n=3))
        usable = [f"{call.path} {call.shape[1:]}" for call in self.calls if call.usable]
        left_out = f"{len(usable) - 10} earlier ones and " if len(usable) > 10 else ""
        hint = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
        return (
            f"{hint}Usable: {left_out}{', '.join(usable[-10:]) or 'none'}; keras_see.layers(model, all=True) lists all."
        )


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
