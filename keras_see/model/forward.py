"""Run a model in inference mode with its variables held still, and keep what its layers say on the way."""

import collections
import contextlib
import dataclasses
import functools
import threading

import keras
from keras import ops

from keras_see.model import backend
from keras_see.model.folding import Folding
from keras_see.model.hooks import put, tapped
from keras_see.model.inputs import picture_of
from keras_see.model.layer_calls import BATCH, stands_alone

# The key of the images among the places that are looked at; all others are paths of layers.
IMAGES = ""


# float16 loses gradients below 6e-8: a tenth and more of those at the input. So the float32 score is scaled before
# the backward pass and the gradients are scaled back: loss scaling, Micikevicius et al. 2018, arXiv:1710.03740.
FLOAT16_SCALE = 4096.0


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one run showed: tensors.

    Attributes:
        outputs: The model's real outputs, in their own structure.
        logits: The same structure, with what went into a closing softmax or sigmoid in the place of its result.
        features: place -> what is there, for each place asked for.
    """

    outputs: object
    logits: object
    features: dict


def forward(model, values, layer_calls, inputs, deltas):
    """Run `model(inputs, training=False)` without changing the model, and return what was `Seen`.

    A delta, a zero array, is added to the output of each layer looked at (and to the images, for `IMAGES`):
    the gradient with respect to it is the gradient with respect to that output, by one mechanism for every
    kind of model and every backend.

    Args:
        model: The live model.
        values: The variables' values as `backend.values` gives them.
        layer_calls: The model's `LayerCalls`.
        inputs: Tensors in the structure that the model takes.
        deltas: place -> zero tensor, as `zero_deltas` gives them. A place is a call's `path` or `input_path`, or
            `IMAGES`.
    """
    taps = _Taps(layer_calls, deltas)
    inputs = keras.tree.map_structure(_as_traced, inputs)
    if IMAGES in deltas:
        inputs, taps.features[IMAGES] = _perturbed(inputs, deltas[IMAGES])
    # `stateless_call` would go past `__call__` and leave augmentation switched on; this cannot.
    state = keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=False)))
    with state, backend.modes_kept(model), tapped(model, taps.around, taps.operations):
        outputs = model(inputs, training=False)
    return Seen(outputs, taps.logits_among(outputs), taps.features)


def zero_deltas(layer_calls, inputs, places):
    """Return a dict of zero tensors in the shape of what is at each place."""
    picture = picture_of(inputs)
    known = {IMAGES: (BATCH, *picture.shape[1:])}
    for call in layer_calls.calls:
        known[call.path] = call.shape
        known[call.input_path] = call.input_shape
    deltas = {}
    for place in places:
        rows, *rest = known[place]
        deltas[place] = ops.zeros((rows * picture.shape[0] // BATCH, *rest), "float32")
    return deltas


def _as_traced(leaf):
    """Return pictures as floats, as they were in the layer_calls: not every model takes whole numbers by itself."""
    return ops.cast(leaf, "float32") if len(leaf.shape) == 4 else leaf


def _perturbed(inputs, delta):
    """Return the inputs with the delta added to the picture, and the picture."""
    leaves = keras.tree.flatten(inputs)
    place = next(place for place, leaf in enumerate(leaves) if len(leaf.shape) == 4)
    leaves[place] = leaves[place] + delta
    return keras.tree.pack_sequence_as(inputs, leaves), leaves[place]


class _Taps:
    """What the taps do in one run: add deltas, keep features and logits."""

    def __init__(self, layer_calls, deltas):
        self.features = {}
        self._layer_calls, self._deltas, self._logits = layer_calls, deltas, {}
        closings = {call.path for call in layer_calls.closings if call is not None}
        calls = [
            call for call in layer_calls.calls if {call.path, call.input_path} & deltas.keys() or call.path in closings
        ]
        self._calls = {(id(call.operation), call.turn): call for call in calls}
        self._turns = collections.Counter()
        self._folding = Folding(layer_calls)
        self._folded = set(map(id, self._folding.operations))
        wanted = [*(call.operation for call in calls), *self._folding.operations]
        self.operations = list({id(operation): operation for operation in wanted}.values())

    def around(self, operation, run, args, kwargs):
        call = self._calls.get((id(operation), self._turns[id(operation)]))
        self._turns[id(operation)] += 1
        if id(operation) in self._folded:
            run = functools.partial(self._through_folding, operation, run)
        if call is None:
            return run(*args, **kwargs)
        if args:
            given = self._plus_delta(call.input_path, args[0])
            args = (given, *args[1:])
        else:
            name = next(iter(kwargs))
            given = self._plus_delta(call.input_path, kwargs[name])
            kwargs = kwargs | {name: given}
        with self._keeping_logits(call, given):
            return self._plus_delta(call.path, run(*args, **kwargs))

    def _through_folding(self, operation, run, *args, **kwargs):
        return self._folding.run(operation, run, args, kwargs)

    def _plus_delta(self, place, tensor):
        if place not in self._deltas:
            return tensor
        # The layer_calls cannot tell the dtype: PyTorch's symbols know nothing of mixed precision.
        self.features[place] = tensor + ops.cast(self._deltas[place], tensor.dtype)
        return self.features[place]

    def logits_among(self, outputs):
        leaves = keras.tree.flatten(outputs)
        found = zip(leaves, self._layer_calls.closings, strict=True)
        logits = [leaf if closing is None else self._logits[closing.path] for leaf, closing in found]
        return keras.tree.pack_sequence_as(outputs, logits)

    def _keeping_logits(self, call, given):
        if call not in self._layer_calls.closings:
            return contextlib.nullcontext()
        if stands_alone(call.operation):
            self._logits[call.path] = given
            return contextlib.nullcontext()
        activation, thread = call.operation.activation, threading.get_ident()

        def keep(logits):
            if threading.get_ident() == thread:
                self._logits[call.path] = logits
            return activation(logits)

        return put(call.operation, "activation", keep)
