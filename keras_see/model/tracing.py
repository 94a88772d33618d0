"""Trace the layer calls of a model on symbolic inputs: nothing is computed, and nothing changes."""

import collections
import math

import keras
import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.model.activations import (
    ClosingFunction,
    class_axis,
    closing_activation,
    computes_as,
    is_identity,
    own_operation,
    stands_alone,
)
from keras_see.model.dependence import Dependence
from keras_see.model.image_inputs import picture_numbers
from keras_see.model.inference import LOCK, Interceptor, infer
from keras_see.model.interceptors import LogitTaps
from keras_see.model.layer_calls import Call, LayerCalls
from keras_see.model.layout import Layout
from keras_see.model.probing import probed_grid
from keras_see.model.relations import ATTENTION, Record, mark_outputs, relate

# A model of more layers that are not Keras's own is not probed at all of them.
MOST_PROBED = 8

# How far a closing activation may differ from the model's output where that is cast to float16 or bfloat16.
CAST_TOLERANCE = 0.01


def trace_layer_calls(model, inputs):
    """Return the `LayerCalls` of one symbolic run of a model, in inference mode.

    Args:
        model: A built model.
        inputs: The structure that the model takes, leaves as `keras.KerasTensor` for a batch of two.
    """
    with LOCK:  # another thread's taps would be taken for the layers' own functions
        layer_calls, recorder = _traced(model, inputs)
        may_guess = not recorder.has_guessed or _closings_hold(model, layer_calls, inputs)
        known = _probed(model, inputs, layer_calls, recorder.unsure)
        if known or not may_guess:
            layer_calls, _ = _traced(model, inputs, may_guess, known)
    return layer_calls


def _probed(model, inputs, layer_calls, unsure):
    """Return number of an image -> path -> `Grid` or None, of calls whose place no rule tells."""
    known = {}
    for number, guesses in unsure.items():
        for path, guess in list(guesses.items())[:MOST_PROBED]:
            try:
                grid = probed_grid(model, inputs, layer_calls, layer_calls.find(path), number, guess)
            except Exception:  # the model cannot run on random numbers: then nothing is known of it
                grid = None
            known.setdefault(number, {})[path] = grid
    return known


def _traced(model, inputs, may_guess=True, known=None):
    """Return the `LayerCalls` and their `_Recorder`."""
    recorder = _Recorder(may_guess, known or {})

    def run(inputs):
        def recorded(inputs):
            recorder.clear()  # PyTorch may run it twice: on the meta device, then for real
            outputs = infer(model, inputs, [recorder])
            recorder.end(keras.tree.flatten(outputs))
            return outputs, recorder.tensors(inputs, outputs)

        outputs, graph = backend.traced(recorded, inputs)
        recorder.relate(Dependence(graph), Dependence(graph, has_gradients=True))
        return outputs

    outputs = output_spec(run, inputs)
    made = recorder.closings, recorder.chain, picture_numbers(model, inputs), recorder.grids, recorder.sources
    return LayerCalls(recorder.calls, outputs, *made), recorder


def _closings_hold(model, layer_calls, inputs):
    """Return whether the outputs are the closing activations of their logits, on random inputs."""
    random, taps = np.random.default_rng(0), LogitTaps(layer_calls)
    outputs = infer(model, keras.tree.map_structure(lambda spec: _random_tensor(spec, random), inputs), [taps])
    for number, output in enumerate(keras.tree.flatten(outputs)):
        if number in taps.logits:
            closing = layer_calls.closings[number]
            name = closing_activation(closing.operation)
            options = {"axis": closing.axis} if "softmax" in name else {}
            close = getattr(ops, name)
            expected = ops.convert_to_numpy(close(ops.cast(taps.logits[number], "float32"), **options))
            found = ops.convert_to_numpy(ops.cast(output, "float32"))
            if found.size != expected.size or np.abs(found.ravel() - expected.ravel()).max() > CAST_TOLERANCE:
                return False
    return True


def _random_tensor(spec, random):
    numbers = random.random(spec.shape).astype("float32")
    return ops.convert_to_tensor(numbers, keras.backend.standardize_dtype(spec.dtype))


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

    def __init__(self, may_guess, known):
        self._may_guess, self._known = may_guess, known
        self.clear()

    def clear(self):
        """Forget an earlier run."""
        self.has_guessed = False
        self.calls, self.closings, self.chain = [], [], []
        self._inputs, self._results, self._records, self._functions = {}, {}, [], []
        self._open = []
        self._paths = collections.Counter()

    def around(self, invocation, args, kwargs):
        """Make the call, and record it with what it calls itself."""
        operation = invocation.operation
        if isinstance(operation, ClosingFunction):
            return self._note_function(operation, invocation, args, kwargs)
        path = "/".join([*(parent.path.partition("#")[0] for parent in self._open[-1:]), operation.name])
        again = self._paths[path]
        record = Call(f"{path}#{again}" if again else path, operation, invocation.turn)
        self._paths[path] += 1
        for parent in self._open:
            parent.is_leaf = False
        is_inside = any(computes_as(parent.operation, *ATTENTION) for parent in self._open)
        self._open.append(record)
        output = invocation.proceed(*args, **kwargs)
        self._open.pop()
        self._note(record, next(iter((*args, *kwargs.values())), None), output)
        given = [leaf for leaf in keras.tree.flatten((args, kwargs)) if _is_tensor(leaf)]
        self._records.append(Record(record, given, output, is_inside))
        return output

    def _note_function(self, operation, invocation, args, kwargs):
        """Make the call of an activation's function, and keep it: it may close the model."""
        output = invocation.proceed(*args, **kwargs)
        call = Call(f"{operation.name}()#{invocation.turn}", operation, invocation.turn)
        axis = kwargs.get("axis", args[1] if len(args) > 1 else -1)
        call.axis = axis if isinstance(axis, int) else -1
        call.shape, call.dtype = _shape_and_dtype(output)
        call.input_shape, call.input_dtype = _shape_and_dtype(args[0])
        self._inputs[call.path], self._results[call.path] = args[0], output
        self._functions.append((len(self.calls), call))
        return output

    def _note(self, record, given, output):
        record.shape, record.dtype = _shape_and_dtype(output)
        record.input_shape, record.input_dtype = _shape_and_dtype(given)
        self._inputs[record.path], self._results[record.path] = given, output
        record.axis = class_axis(record.operation)
        self.calls.append(record)

    def end(self, outputs):
        """Find out how each output is made, now that all calls are known."""
        if not all(hasattr(output, "shape") for output in outputs):
            raise ValueError("One of its outputs is no tensor. Wrap the model in one that returns tensors alone.")
        self.closings = [self._walk_back(output) for output in outputs]
        self.chain = self._chain_to(outputs[0])

    def tensors(self, inputs, outputs):
        """Return all tensors between which dependence is asked for: inputs, outputs, then those of the calls."""
        self._ends = keras.tree.flatten(inputs), keras.tree.flatten(outputs)
        marked = [*self._ends[0], *self._ends[1]]
        for record in self._records:
            leaves = [leaf for leaf in keras.tree.flatten(record.output) if _is_tensor(leaf)]
            record.marks = range(len(marked), len(marked) + len(leaves))
            marked += leaves
        return marked

    def relate(self, dependence, gradients):
        """Note how the calls are related to each other and to the images, and drop the tensors."""
        inputs, outputs = self._ends
        relate(self._records, dependence, gradients, len(inputs), len(outputs))
        self.sources = tuple(gradients.sources(len(inputs) + number, len(inputs)) for number in range(len(outputs)))
        pictures = {number: image for number, image in enumerate(inputs) if len(image.shape) == 4}
        layouts = {n: Layout(n, image, self._records, self._known.get(n, {})) for n, image in pictures.items()}
        self.grids = {number: layout.settle() for number, layout in layouts.items()}
        self.unsure = {number: layout.unsure for number, layout in layouts.items() if layout.unsure}
        mark_outputs(self._records, outputs, _passes_on)
        self._inputs, self._results, self._records, self._functions, self._ends = {}, {}, [], [], None

    def _walk_back(self, tensor):
        """Mark the calls that only pass an output on, and return the closing softmax or sigmoid among them."""
        last, closed = len(self.calls), []
        guesses = 0
        while True:
            function = self._closing_function(tensor, last)
            if function is not None:
                self.has_guessed |= guesses > 0
                for call in closed:
                    call.is_closed = True
                return function
            makers, is_guess = self._makers(tensor, last)
            if (not makers or is_guess) and self._may_guess:
                makers = self._same_sized_closing(tensor, last) or makers
                is_guess = bool(makers)
                if makers and isinstance(makers[0].operation, ClosingFunction):
                    self.has_guessed = True
                    return makers[0]
            guesses += is_guess
            if is_guess and not self._may_guess:
                return None
            closed += makers
            for call in makers:
                call.is_output = True
            maker = next((call for call in makers if call.is_leaf), None)
            if maker is None:
                return None
            tensor, last = self._inputs[maker.path], self.calls.index(maker)
            if closing_activation(maker.operation):
                self.has_guessed |= guesses > 0
                for call in closed:
                    call.is_closed = True
                if stands_alone(maker.operation):
                    for call in self._makers(tensor, last)[0]:
                        call.is_output = True
                return maker
            if not _passes_on(maker.operation):
                return None

    def _closing_function(self, tensor, last):
        """Return the call of an activation's function that made a tensor, where no layer's own activation is that."""
        makers = [call for call in self.calls[:last] if self._results[call.path] is tensor and call.is_leaf]
        if any(closing_activation(call.operation) for call in makers):
            return None
        return next((call for _, call in self._functions if self._results[call.path] is tensor), None)

    def _same_sized_closing(self, tensor, last):
        """Return the last closing activation of as many numbers, behind which others may clip, cast or reshape them."""
        found = [call for place, call in self._functions if place <= last]
        found += [call for call in self.calls[:last] if call.is_leaf and closing_activation(call.operation)]
        size = math.prod(getattr(tensor, "shape", ()) or (0,))
        return [call for call in found if call.shape and math.prod(call.shape) == size][-1:]

    def _chain_to(self, tensor):
        """Return calls, each of which made the first input of the one before; the first made the tensor.

        Of nested calls the innermost counts, as long as what it took was made by a call too.
        """
        chain, last = [], len(self.calls)
        while makers := self._makers(tensor, last)[0]:
            known = (call for call in makers if self._makers(self._inputs[call.path], self.calls.index(call))[0])
            maker = next(known, makers[0])
            chain.append(maker)
            tensor, last = self._inputs[maker.path], self.calls.index(maker)
        return chain

    def _makers(self, tensor, last):
        """Return the calls that made a tensor, and whether that is a guess.

        A cast makes a new tensor: behind one, the last call of the same shape and another dtype is taken.
        """
        makers = [call for call in self.calls[:last] if self._results[call.path] is tensor]
        if makers or not hasattr(tensor, "shape"):
            return makers, False
        shape, dtype = _shape_and_dtype(tensor)
        same = [call for call in self.calls[:last] if call.is_leaf and call.shape == shape and call.dtype != dtype]
        return same[-1:], bool(same)


def _shape_and_dtype(tensor):
    if hasattr(tensor, "shape") and hasattr(tensor, "dtype"):
        return tuple(tensor.shape), keras.backend.standardize_dtype(tensor.dtype)
    return None, None


def _is_tensor(leaf):
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype") and not isinstance(leaf, keras.Variable)


def _passes_on(operation):
    """Return whether the operation passes its input's values on as they are, in inference."""
    if computes_as(operation, keras.layers.Activation):
        return is_identity(operation.activation)
    if own_operation(operation) in ("Cast", "Reshape", "Clip", "Squeeze", "ExpandDims"):
        return True
    kinds = (keras.layers.Identity, keras.layers.Dropout, keras.layers.Reshape, keras.layers.Flatten)
    return computes_as(operation, *kinds)
