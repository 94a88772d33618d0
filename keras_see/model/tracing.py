"""Run a model on symbols and note what it calls: nothing is computed, and nothing changes."""

import collections

import keras

from keras_see.model.hooks import tapped
from keras_see.model.layer_calls import Call, LayerCalls, closing_activation, stands_alone


def trace_layer_calls(model, inputs):
    """Run the model symbolically, in inference mode, and list its calls.

    Args:
        model: A built model.
        inputs: The structure that the model takes, leaves as `keras.KerasTensor` for a batch of two.
    """
    trace = _Trace()

    def run(inputs):
        trace.clear()  # PyTorch may run it twice: on the meta device, then for real
        outputs = model(inputs, training=False)
        trace.end(keras.tree.flatten(outputs))
        return outputs

    with tapped(model, trace.around):
        outputs = output_spec(run, inputs)
    return LayerCalls(trace.calls, outputs, trace.closings, trace.chain)


def output_spec(function, inputs):
    """Return what `function(inputs)` would give, as `keras.KerasTensor`, by running it on symbols.

    Asking a model itself (`model.compute_output_spec`) takes a shortcut past its layers; this does not.
    """

    class Run(keras.Operation):
        def call(self, inputs):
            return function(inputs)

    return Run(name="keras_see").compute_output_spec(inputs)  # a name given leaves Keras's own numbering alone


class _Trace:
    """What the taps see in one run; tensors are dropped when it ends."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.calls, self.closings, self.chain = [], [], []
        self._inputs, self._results = {}, {}
        self._open = []
        self._turns, self._paths = collections.Counter(), collections.Counter()

    def around(self, operation, call, args, kwargs):
        path = "/".join([*(parent.path.partition("#")[0] for parent in self._open[-1:]), operation.name])
        again = self._paths[path]
        record = Call(f"{path}#{again}" if again else path, operation, self._turns[id(operation)])
        self._paths[path] += 1
        self._turns[id(operation)] += 1
        for parent in self._open:
            parent.is_leaf = False
        self._open.append(record)
        output = call(*args, **kwargs)
        self._open.pop()
        self._note(record, next(iter((*args, *kwargs.values())), None), output)
        return output

    def _note(self, record, given, output):
        record.shape, record.dtype = _shape_and_dtype(output)
        record.input_shape, record.input_dtype = _shape_and_dtype(given)
        self._inputs[record.path], self._results[record.path] = given, output
        self.calls.append(record)

    def end(self, outputs):
        self.closings = [self._walk_back(output) for output in outputs]
        self.chain = self._chain_to(outputs[0])
        self._inputs, self._results = {}, {}

    def _walk_back(self, tensor):
        """Mark the calls that only hand an output on, and return the closing softmax or sigmoid among them."""
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
            if not _hands_on(maker.operation):
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
        """Return the calls that made a tensor; a cast on the way gives a new one, then shape and dtype must tell."""
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


def _hands_on(operation):
    """Whether the operation, in inference, gives its input's values on as they are."""
    if isinstance(operation, keras.layers.Activation):
        return getattr(operation.activation, "__name__", "") == "linear"
    kinds = (keras.layers.Identity, keras.layers.Dropout, keras.layers.Reshape, keras.layers.Flatten)
    return isinstance(operation, kinds)
