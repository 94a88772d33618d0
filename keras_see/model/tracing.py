"""Trace the layer calls of a model on symbolic inputs: nothing is computed, and nothing changes."""

import collections

import keras

from keras_see.model.activations import closing_activation, computes_as, is_identity, stands_alone
from keras_see.model.inference import Interceptor, infer
from keras_see.model.layer_calls import Call, LayerCalls


def trace_layer_calls(model, inputs):
    """Return the `LayerCalls` of one symbolic run of a model, in inference mode.

    Args:
        model: A built model.
        inputs: The structure that the model takes, leaves as `keras.KerasTensor` for a batch of two.
    """
    recorder = _Recorder()

    def run(inputs):
        recorder.clear()  # PyTorch may run it twice: on the meta device, then for real
        outputs = infer(model, inputs, [recorder])
        recorder.end(keras.tree.flatten(outputs))
        return outputs

    outputs = output_spec(run, inputs)
    return LayerCalls(recorder.calls, outputs, recorder.closings, recorder.chain)


def output_spec(function, inputs):
    """Return the outputs of `function(inputs)` as `keras.KerasTensor`, by running it on symbols.

    Asking a model itself (`model.compute_output_spec`) takes a shortcut past its layers; this does not.
    """

    class Run(keras.Operation):
        def call(self, inputs):
            return function(inputs)

    return Run(name="keras_see").compute_output_spec(inputs)  # a name given leaves Keras's own numbering alone


class _Recorder(Interceptor):
    """Records the calls of one run and how its outputs are made; tensors are dropped when it ends."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Forget an earlier run."""
        self.calls, self.closings, self.chain = [], [], []
        self._inputs, self._results = {}, {}
        self._open = []
        self._paths = collections.Counter()

    def around(self, invocation, args, kwargs):
        """Make the call, and record it with what it calls itself."""
        operation = invocation.operation
        path = "/".join([*(parent.path.partition("#")[0] for parent in self._open[-1:]), operation.name])
        again = self._paths[path]
        record = Call(f"{path}#{again}" if again else path, operation, invocation.turn)
        self._paths[path] += 1
        for parent in self._open:
            parent.is_leaf = False
        self._open.append(record)
        output = invocation.proceed(*args, **kwargs)
        self._open.pop()
        self._note(record, next(iter((*args, *kwargs.values())), None), output)
        return output

    def _note(self, record, given, output):
        record.shape, record.dtype = _shape_and_dtype(output)
        record.input_shape, record.input_dtype = _shape_and_dtype(given)
        self._inputs[record.path], self._results[record.path] = given, output
        self.calls.append(record)

    def end(self, outputs):
        """Find out how each output is made, now that all calls are known."""
        self.closings = [self._walk_back(output) for output in outputs]
        self.chain = self._chain_to(outputs[0])
        self._inputs, self._results = {}, {}

    def _walk_back(self, tensor):
        """Mark the calls that only pass an output on, and return the closing softmax or sigmoid among them."""
        last, closed = len(self.calls), []
        while True:
            makers = self._makers(tensor, last)
            closed += makers
            for call in makers:
                call.is_output = True
            maker = next((call for call in makers if call.is_leaf), None)
            if maker is None:
                return None
            tensor, last = self._inputs[maker.path], self.calls.index(maker)
            if closing_activation(maker.operation):
                for call in closed:
                    call.is_closed = True
                if stands_alone(maker.operation):
                    for call in self._makers(tensor, last):
                        call.is_output = True
                return maker
            if not _passes_on(maker.operation):
                return None

    def _chain_to(self, tensor):
        """Return calls, each of which made the first input of the one before; the first made the tensor.

        Of nested calls the innermost counts, as long as what it took was made by a call too.
        """
        chain, last = [], len(self.calls)
        while makers := self._makers(tensor, last):
            known = (call for call in makers if self._makers(self._inputs[call.path], self.calls.index(call)))
            maker = next(known, makers[0])
            chain.append(maker)
            tensor, last = self._inputs[maker.path], self.calls.index(maker)
        return chain

    def _makers(self, tensor, last):
        """Return the calls that made a tensor; behind a cast, which makes a new one, shape and dtype tell."""
        makers = [call for call in self.calls[:last] if self._results[call.path] is tensor]
        if makers or not hasattr(tensor, "shape"):
            return makers
        shape, dtype = _shape_and_dtype(tensor)
        same = [call for call in self.calls[:last] if call.is_leaf and call.shape == shape and call.dtype != dtype]
        return same[-1:]


def _shape_and_dtype(tensor):
    if hasattr(tensor, "shape") and hasattr(tensor, "dtype"):
        return tuple(tensor.shape), keras.backend.standardize_dtype(tensor.dtype)
    return None, None


def _passes_on(operation):
    """Return whether the operation passes its input's values on as they are, in inference."""
    if computes_as(operation, keras.layers.Activation):
        return is_identity(operation.activation)
    kinds = (keras.layers.Identity, keras.layers.Dropout, keras.layers.Reshape, keras.layers.Flatten)
    return computes_as(operation, *kinds)
