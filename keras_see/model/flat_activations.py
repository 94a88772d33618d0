"""Gradients through activations where these are flat: closed rectifiers, and whatever saturates."""

from keras import ops

from keras_see.model.activations import is_activation
from keras_see.model.inference import Interceptor
from keras_see.model.interceptors import with_activation

# An input is in a flat part where this relative change of it, far above rounding error of half precision, changes the
# output by less than this share of the change, on one side at least: at the corner of a ReLU the gradient is zero too.
CHANGE, LEAST_CHANGE, SLOPE = 0.01, 1e-6, 1e-6

# Values whose difference is a smaller share of them are equal but for rounding: compiled, a function of one number need
# not give the same at two places.
EQUAL = 1e-5

# The most that a function rises in a tail, as a share of its rise on the other side: GELU and swish have 0.03.
TAIL = 0.05


class FlatActivations(Interceptor):
    """Lets gradients through the flat parts of activations, and adds up what is blocked there; the values stay.

    A gradient passes where it moves the input to where the activation has room: upwards where a ReLU is closed,
    downwards where a ReLU6 is full. One the other way, into the flat part, stays blocked, and so does that in the tail
    of GELU and swish. After Lucid's remedy against images that activate nothing at first
    (`lucid/misc/redirected_relu_grad.py`). Where an activation is flat, and where it has room, is tried, so that it
    holds for any function of single numbers.

    Args:
        layer_calls: The model's `LayerCalls`.
        leaks: `(n,)`, the share of the gradient that passes, image by image: 0 is none. Below 0: the true gradient, in
            tails too.
        blocked: Zeros `(n, 2)`. The gradient with respect to it is the sum of the blocked gradients of each image, as
            positive numbers: those without room (the activation is *full*), and those with room (it is *closed*).
    """

    def __init__(self, layer_calls, leaks, blocked):
        self._leaks, self._blocked = leaks, blocked
        self.operations = [call.operation for call in layer_calls.calls if is_activation(call.operation)]

    def around(self, invocation, args, kwargs):
        """Give the call's activation the leaking gradient."""
        if hasattr(invocation.operation, "activation"):
            return with_activation(invocation, args, kwargs, self._through)
        names, given = list(kwargs), [*args, *kwargs.values()]
        first, others = given[0], given[1:]

        def activation(x):
            given = (x, *others)
            return invocation.proceed(*given[: len(args)], **dict(zip(names, given[len(args) :], strict=True)))

        return self._through(activation, first)

    def _through(self, activation, x):
        """Return the activation of a tensor, with gradients through its flat parts."""
        output = activation(x)
        if not hasattr(x, "shape") or tuple(output.shape) != tuple(x.shape) or not len(x.shape):
            return output
        rows = [ops.cast(part, "float32") for part in self._rows(x.shape[0])]
        tail, parts = _parts(activation, x, output)
        is_held = ops.logical_and(tail, ops.reshape(rows[0] >= 0, (-1,) + (1,) * (len(x.shape) - 1)))
        held = ops.where(is_held, ops.stop_gradient(output), output)
        return held + ops.cast(_leak(ops.cast(x, "float32"), *rows, *parts), output.dtype)

    def _rows(self, count):
        """Return leaks and blocked with a row per row of a tensor, which need not be images."""
        if count == self._leaks.shape[0]:
            return self._leaks, self._blocked
        blocked = ops.mean(self._blocked, axis=0, keepdims=True)
        return ops.repeat(ops.max(self._leaks, keepdims=True), count), ops.repeat(blocked, count, axis=0)


def _parts(activation, x, output):
    """Return where the activation is in a tail, and, as 0 and 1, where it is flat with room above, below, and without.

    A tail is where GELU and swish fall: they rise to zero, the level of a closed ReLU, for ever lower inputs.
    """
    values, output = (ops.cast(ops.stop_gradient(part), "float32") for part in (x, output))

    def at(points):
        return ops.cast(ops.stop_gradient(activation(ops.cast(points, x.dtype))), "float32")

    change, far = CHANGE * ops.abs(values) + LEAST_CHANGE, 10 + 2 * ops.abs(values)
    lower, upper = (ops.abs(at(values + step) - output) <= SLOPE * change for step in (-change, change))
    most, least = at(far) - output, at(-far) - output
    above, below = most > EQUAL * ops.abs(at(far)), least < -EQUAL * ops.maximum(ops.abs(output), ops.abs(at(-far)))
    falls = ops.logical_and(at(values + change) < output, at(values - change) > output)
    tail = ops.logical_and(falls, least < TAIL * most)
    flat = ops.logical_or(ops.logical_or(lower, upper), tail)
    parts = [ops.logical_and(flat, room) for room in (above, below, ops.logical_not(above), ops.logical_not(below))]
    return tail, [ops.cast(part, "float32") for part in parts]


@ops.custom_gradient
def _leak(x, leaks, blocked, above, below, not_above, not_below):
    """Return zeros, whose gradient is that of the flat parts."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        up, down = ops.maximum(upstream, 0), ops.minimum(upstream, 0)
        axes = tuple(range(1, len(x.shape)))
        through = up * above + down * below
        full = ops.sum(up * not_above - down * not_below, axis=axes)
        closed = ops.sum(up * above - down * below, axis=axes)
        share = ops.reshape(ops.maximum(leaks, 0), (-1,) + (1,) * len(axes))
        rest = [ops.zeros_like(part) for part in (above, below, not_above, not_below)]
        return (share * through, ops.zeros_like(leaks), ops.stack([full, closed], axis=-1), *rest)

    return ops.zeros_like(x), gradient
