"""Interceptors: capture and perturb features, capture logits, let gradients leak through closed rectifiers."""

import threading

import keras
from keras import ops

from keras_see.model.activations import is_rectifier, stands_alone
from keras_see.model.attributes import attributes_set
from keras_see.model.inference import Interceptor, StopRun
from keras_see.model.keras_internals import flatten_layers


class FeatureTaps(Interceptor):
    """Captures the outputs and inputs of layer calls, each with a delta added where one is given.

    A delta is an array of zeros: the gradient with respect to it is the gradient with respect to that output, by one
    mechanism for every kind of model and every backend.

    Args:
        layer_calls: The model's `LayerCalls`.
        paths: The paths of calls, or the `input_path` of calls, to capture.
        deltas: path -> array of zeros, for some of these.
        stop: Whether to end the run when all are captured.

    Attributes:
        features: path -> tensor.
    """

    def __init__(self, layer_calls, paths, deltas=None, stop=False):
        self.features = {}
        self._paths, self._deltas, self._stop = set(paths), deltas or {}, stop
        tapped = [call for call in layer_calls.calls if {call.path, call.input_path} & self._paths]
        self._calls = {(id(call.operation), call.turn): call for call in tapped}
        self.operations = [call.operation for call in tapped]

    def around(self, invocation, args, kwargs):
        """Capture, and perturb, the input and the output of a call."""
        call = self._calls.get((id(invocation.operation), invocation.turn))
        if call is None:
            return invocation.proceed(*args, **kwargs)
        args, kwargs = _with_first(args, kwargs, lambda tensor: self._keep(call.input_path, tensor))
        return self._keep(call.path, invocation.proceed(*args, **kwargs))

    def _keep(self, path, tensor):
        if path not in self._paths:
            return tensor
        if path in self._deltas:
            # The trace cannot tell the dtype: PyTorch's symbols know nothing of mixed precision.
            tensor = tensor + ops.cast(self._deltas[path], tensor.dtype)
        self.features[path] = tensor
        if self._stop and self.features.keys() == self._paths:
            raise StopRun
        return tensor


class LogitTaps(Interceptor):
    """Captures the input of the closing softmax or sigmoid of outputs.

    Args:
        layer_calls: The model's `LayerCalls`.
        numbers: The numbers of the outputs; all by default.
        stop: Whether to end the run when all are captured.

    Attributes:
        logits: number of an output -> tensor; only of outputs that are closed.
    """

    def __init__(self, layer_calls, numbers=None, stop=False):
        self.logits = {}
        closed = {number: call for number, call in enumerate(layer_calls.closings) if call is not None}
        wanted = closed if numbers is None else {number: closed[number] for number in numbers if number in closed}
        self._numbers = set(wanted)
        self._stop = stop and len(wanted) == len(layer_calls.closings if numbers is None else numbers)
        self._calls = {}
        for number, call in wanted.items():  # one softmax may make several outputs
            self._calls.setdefault((id(call.operation), call.turn), []).append(number)
        self.operations = [call.operation for call in wanted.values()]

    def around(self, invocation, args, kwargs):
        """Capture the input of a closing activation."""
        numbers = self._calls.get((id(invocation.operation), invocation.turn))
        if numbers is None:
            return invocation.proceed(*args, **kwargs)
        if stands_alone(invocation.operation):
            args, kwargs = _with_first(args, kwargs, lambda tensor: self._keep(numbers, tensor))
            return invocation.proceed(*args, **kwargs)
        return _with_activation(
            invocation, args, kwargs, lambda activation, tensor: activation(self._keep(numbers, tensor))
        )

    def _keep(self, numbers, tensor):
        self.logits |= dict.fromkeys(numbers, tensor)
        if self._stop and self.logits.keys() == self._numbers:
            raise StopRun
        return tensor


class LeakyRectifiers(Interceptor):
    """Lets the backward pass through rectifiers where they are closed; the forward pass stays as it is.

    Lucid's remedy against images that activate nothing at first (`lucid/misc/redirected_relu_grad.py`).

    Args:
        layer_calls: The model's `LayerCalls`.
        leaks: `(n,)`, the gradient that negative inputs get, image by image: 0 is the true one, 1 lets all through.
    """

    def __init__(self, layer_calls, leaks):
        self._leaks = leaks
        self.operations = [call.operation for call in layer_calls.calls if is_rectifier(call.operation)]

    def around(self, invocation, args, kwargs):
        """Give the call's activation the leaking gradient."""
        if hasattr(invocation.operation, "activation"):
            return _with_activation(
                invocation, args, kwargs, lambda activation, tensor: self._leaking(tensor, activation(tensor))
            )
        return self._leaking(next(iter((*args, *kwargs.values()))), invocation.proceed(*args, **kwargs))

    def _leaking(self, x, output):
        """Return the output with a gradient of the leak with respect to negative inputs."""
        leaks = ops.cast(self._leaks, x.dtype)
        if x.shape[0] == leaks.shape[0]:
            leaks = ops.reshape(leaks, (-1,) + (1,) * (len(x.shape) - 1))
        else:
            leaks = ops.max(leaks)
        leaked = ops.minimum(x, 0) * leaks
        return output + (leaked - ops.stop_gradient(leaked))


def _with_first(args, kwargs, function):
    """Return the arguments of a call with the function applied to the first, which is its input."""
    if args:
        return (function(args[0]), *args[1:]), kwargs
    name = next(iter(kwargs))
    return args, kwargs | {name: function(kwargs[name])}


def _with_activation(invocation, args, kwargs, function):
    """Make a call with `function(activation, tensor)` in place of its layer's activation, in this thread only."""
    activation, thread = invocation.operation.activation, threading.get_ident()

    def replaced(tensor):
        return function(activation, tensor) if threading.get_ident() == thread else activation(tensor)

    with attributes_set([(invocation.operation, "activation", replaced)]):
        return invocation.proceed(*args, **kwargs)


class AttentionTaps(Interceptor):
    """Captures the scores of attention layers, each with a delta added: what a gradient is taken with respect to.

    A layer is made to return its scores, because without that Keras runs it in one step that has none.

    Args:
        calls: The `Call`s of the layers.
        deltas: path -> zeros `(n, heads, tokens, tokens)`.

    Attributes:
        scores: path -> tensor, after the softmax.
    """

    def __init__(self, calls, deltas):
        self.scores, self._deltas, self._path = {}, deltas, None
        self._calls = {(id(call.operation), call.turn): call for call in calls}
        parts = [part for call in calls for part in flatten_layers(call.operation)]
        softmaxes = [part for part in parts if isinstance(part, keras.layers.Softmax)]
        self.operations = [call.operation for call in calls] + softmaxes

    def around(self, invocation, args, kwargs):
        """Let a layer return its scores, and capture these where its softmax gives them."""
        call = self._calls.get((id(invocation.operation), invocation.turn))
        if call is not None:
            self._path = call.path
            output, _ = invocation.proceed(*args, **(kwargs | {"return_attention_scores": True}))
            self._path = None
            return output
        output = invocation.proceed(*args, **kwargs)
        if self._path is not None:
            output = output + ops.cast(self._deltas[self._path], output.dtype)
            self.scores[self._path] = output
        return output
