"""Run a model only as far as the last place looked at, with a gradient through closed rectifiers where wanted."""

import collections
import contextlib

import keras
from keras import ops

from keras_see.model.hooks import put, tapped
from keras_see.model.layer_calls import stands_alone

# What gives no gradient to low values, exactly or in float32: names of a layer's `activation`, a layer or an operation.
RECTIFIERS = (
    "relu",
    "relu6",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "swish",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
)

# The place of what goes into the closing softmax or sigmoid (of the output itself, if the model has none).
LOGITS = "logits"


def logits_at(number):
    """Return the place of the logits of the model's output with this number."""
    return LOGITS if number == 0 else f"{LOGITS} {number}"


class _Seen(BaseException):
    """Ends a run of the model; not an `Exception`, so that nothing on the way takes it for an error."""


def features_at(model, values, layer_calls, inputs, places, slopes=None):
    """Return place -> tensor, computing nothing that comes after the last of these places.

    Args:
        model: The live model; it runs in inference mode and cannot change.
        values: The variables' values as `backend.values` gives them.
        layer_calls: The model's `LayerCalls`.
        inputs: The images, a tensor, for the model's one input.
        places: Paths of calls, or `LOGITS`.
        slopes: `(n,)`, the slope that the backward pass gives to closed rectifiers, image by image: 0 is the true
            gradient, 1 lets all through (Lucid's remedy against dead starts, `lucid/misc/redirected_relu_grad.py`).
            The forward pass is the same for all slopes. None leaves the rectifiers as they are.
    """
    taps = _Taps(layer_calls, places, slopes)
    state = keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=False)))
    with state, tapped(model, taps.around, taps.operations), contextlib.suppress(_Seen):
        taps.end(model(_as_taken(model, inputs), training=False))
    return taps.found


class _Taps:
    def __init__(self, layer_calls, places, slopes):
        self.found = {}
        self._places, self._slopes = set(places), slopes
        closings = {logits_at(number): call for number, call in enumerate(layer_calls.closings) if call is not None}
        self._closings = {id(call.operation): place for place, call in closings.items() if place in self._places}
        self._turns = collections.Counter()
        self._paths = {(id(call.operation), call.turn): call.path for call in layer_calls.calls if call.path in places}
        wanted = [
            call.operation
            for call in layer_calls.calls
            if call.path in self._places or id(call.operation) in self._closings
        ]
        wanted += [call.operation for call in layer_calls.calls if slopes is not None and _rectifies(call.operation)]
        self.operations = list({id(operation): operation for operation in wanted}.values())

    def around(self, operation, run, args, kwargs):
        path = self._paths.get((id(operation), self._turns[id(operation)]))
        self._turns[id(operation)] += 1
        with contextlib.ExitStack() as stack:
            if id(operation) in self._closings:
                self._look_before(stack, operation, args, self._closings[id(operation)])
            output = self._opened(stack, operation, run, args, kwargs)
        return output if path is None else self._keep(path, output)

    def end(self, outputs):
        for number, output in enumerate(keras.tree.flatten(outputs)):
            if logits_at(number) in self._places:
                self.found.setdefault(logits_at(number), output)

    def _keep(self, place, tensor):
        self.found[place] = tensor
        if self.found.keys() == self._places:
            raise _Seen
        return tensor

    def _look_before(self, stack, operation, args, place):
        """Keep what goes into the closing activation."""
        if stands_alone(operation):
            self._keep(place, args[0])
        else:
            stack.enter_context(put(operation, "activation", lambda logits: self._keep(place, logits)))

    def _opened(self, stack, operation, run, args, kwargs):
        if self._slopes is None or not _rectifies(operation):
            return run(*args, **kwargs)
        if not hasattr(operation, "activation"):
            return self._with_slope(args[0], run(*args, **kwargs))
        rectify = operation.activation
        stack.enter_context(put(operation, "activation", lambda x: self._with_slope(x, rectify(x))))
        return run(*args, **kwargs)

    def _with_slope(self, x, output):
        """Return `output`, whose gradient with respect to negative `x` is the slope."""
        slopes = ops.cast(self._slopes, x.dtype)
        if x.shape[0] == slopes.shape[0]:
            slopes = ops.reshape(slopes, (-1,) + (1,) * (len(x.shape) - 1))
        else:
            slopes = ops.max(slopes)
        passed = ops.minimum(x, 0) * slopes
        return output + (passed - ops.stop_gradient(passed))


def _as_taken(model, images):
    """Return the images in the structure of the model's one input: alone, in a list or in a dict."""
    given = getattr(model, "input", None)
    return keras.tree.pack_sequence_as(given, [images]) if isinstance(given, list | tuple | dict) else images


def _rectifies(operation):
    ending = getattr(operation, "activation", operation)
    return getattr(ending, "__name__", type(ending).__name__).lower() in RECTIFIERS
