"""How the calls of one run are related: to the inputs, to each other and to the outputs."""

import math

import keras

from keras_see.model.activations import closing_activation, computes_as, own_operation, stands_alone

# Layers whose inner calls have axes of heads, not of rows and columns.
ATTENTION = (
    *(keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention),
    *(keras.layers.Attention, keras.layers.AdditiveAttention),
)


class Record:
    """A call with its tensors, for as long as a run is looked at.

    Attributes:
        call: The `Call`.
        given: The tensors that it takes.
        output: What it gives.
        is_inside: Whether it is called by an attention layer.
        marks: The numbers of its output's tensors among the marked ones.
        mask: A bit per marked tensor that its output depends on.
    """

    def __init__(self, call, given, output, is_inside):
        self.call, self.given, self.output, self.is_inside = call, given, output, is_inside
        self.marks, self.mask = [], 0

    def depends_on(self, other):
        """Return whether the output depends on another's."""
        return any(self.mask >> mark & 1 for mark in other.marks)


def relate(records, dependence, gradients, inputs, outputs):
    """Set `sees`, `reaches`, `moves`, `carries` and `is_inner` of all calls.

    Args:
        records: The `Record`s.
        dependence: The `Dependence`, whose first marks are the inputs and the outputs.
        gradients: The same, of operations that have gradients.
        inputs: Number of inputs.
        outputs: Number of outputs.
    """
    outputs_seen = set()
    for record in records:
        record.call.is_repeated = not record.call.is_leaf and id(record.output) in outputs_seen
        outputs_seen.add(id(record.output))
        record.call.is_attention = _is_attention(record)
    carriers = [gradients.carriers(number) for number in range(inputs)]
    for record in records:
        for mark in record.marks:
            record.mask |= dependence.mask(mark)
        call = record.call
        call.is_inner = bool(record.marks) and not all(map(dependence.is_known, record.marks))
        call.sees = frozenset(number for number in range(inputs) if record.mask >> number & 1)
        call.reaches, call.moves = (
            frozenset(
                number
                for number in range(outputs)
                if any(each.mask(inputs + number) >> mark & 1 for mark in record.marks)
            )
            for each in (dependence, gradients)
        )
        call.carries = frozenset(
            (image, output)
            for image in call.sees
            for output in call.reaches
            if any(carriers[image](inputs + output, mark) for mark in record.marks)
        )


def _is_attention(record):
    """Return whether a call is an attention layer's, or gives scores `(..., tokens, tokens)` between all of them."""
    if computes_as(record.call.operation, *ATTENTION):
        return True
    shape = record.call.shape or ()
    return (
        len(shape) in (3, 4) and shape[-1] == shape[-2] > 4 and closing_activation(record.call.operation) == "softmax"
    )


def mark_outputs(records, outputs, passes_on):
    """Mark the calls that give an output's numbers, which others may still arrange, as a detector's convolution.

    Args:
        records: The `Record`s.
        outputs: The output tensors.
        passes_on: Tells of an operation whether it passes its input's values on as they are.
    """
    sizes = [math.prod(output.shape[1:]) for output in outputs]
    for number, record in enumerate(records):
        call = record.call
        if not call.reaches or not call.shape or math.prod(call.shape[1:]) > max(sizes[each] for each in call.reaches):
            continue
        after = [each for each in records[number + 1 :] if each.call.is_leaf and each.call.reaches]
        if all(_arranges(each.call, passes_on) for each in after if each.depends_on(record)):
            call.is_output = True


def _arranges(call, passes_on):
    operation = call.operation
    if passes_on(operation) or computes_as(operation, keras.layers.Concatenate, keras.layers.Permute):
        return True
    is_closing = closing_activation(operation) is not None and stands_alone(operation)
    return is_closing or own_operation(operation) in ("Concatenate", "Transpose")
