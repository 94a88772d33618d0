"""The few operations that Keras leaves to its backend; nothing else names a framework."""

import contextlib
import functools
import random
from typing import NamedTuple

import keras
import numpy as np

from keras_see.model.keras_internals import trace_of

_NAME = keras.backend.backend()

if _NAME not in ("tensorflow", "jax", "torch"):
    raise ImportError(
        "keras_see needs a Keras backend with gradients: tensorflow, jax or torch. "
        f"Keras runs on {_NAME!r}. Set the environment variable KERAS_BACKEND before importing Keras."
    )


class Graph(NamedTuple):
    """How tensors are made from each other.

    Attributes:
        steps: One per operation, in the order of execution: the keys that it takes, and those that it makes.
        cuts: Per step, whether it has no gradient.
        keys: The keys of the tensors asked for; None for one inside a loop or a branch, which no tap can hand out.
    """

    steps: list
    cuts: list
    keys: list


# Whether `compiled` compiles, so that what no result needs is not computed.
COMPILES = _NAME != "torch"

if _NAME == "tensorflow":
    import tensorflow as tf

    # Where the framework keeps its activation functions.
    ACTIVATION_MODULES: tuple = (tf.nn,)

    def compiled(function):
        """Compile a function of tensors; Python runs only while it is traced."""
        # XLA is not forced: on two CPU cores it made a MobileNetV2 pass ten times slower. TensorFlow counts traces per
        # Python code and would warn of models that share it; a partial has no code of its own.
        return tf.function(functools.partial(function), autograph=False)

    def values(variables):
        """Return the variables' values to pass to a compiled function so that it sees the current weights."""
        return []  # a graph reads its variables each time it runs

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets None.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            # Times one, so that no two gradients are one tensor: the tape never frees a graph where they are.
            value, extra = function({key: point * 1 for key, point in points.items()})
        return extra, tape.gradient(value, points)

    def traced(function, inputs):
        """Return `function(inputs)[0]` and the `Graph` of how its tensors are made; while Keras runs it on symbols."""
        result, tensors = function(inputs)
        graph = tf.compat.v1.get_default_graph()
        made = graph.get_operations()
        steps = [([each.name for each in step.inputs], [each.name for each in step.outputs]) for step in made]
        cuts = [step.type in ("StopGradient", "PreventGradient") or not _are_floats(step.outputs) for step in made]
        return result, Graph(steps, cuts, [_name_in(graph, tensor) for tensor in tensors])

    def _are_floats(tensors):
        return any(tensor.dtype.is_floating for tensor in tensors)

    def _name_in(graph, tensor):
        """Return a tensor's name in a graph, or None where it belongs to another, such as the body of a loop."""
        if not hasattr(tensor, "graph") or hasattr(tensor, "numpy"):
            return f"constant {id(tensor)}"
        return tensor.name if tensor.graph is graph else None

elif _NAME == "jax":
    import jax
    import jax.extend

    # Where the framework keeps its activation functions.
    ACTIVATION_MODULES = (jax.nn,)

    def compiled(function):
        """Compile a function of tensors; Python runs only while it is traced."""
        return jax.jit(function)

    def values(variables):
        """Return the variables' values to pass to a compiled function so that it sees the current weights."""
        return [variable.value for variable in variables]

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets zeros.
        """
        found, extra = jax.grad(function, has_aux=True)(points)
        return extra, found

    def traced(function, inputs):
        """Return `function(inputs)[0]` and the `Graph` of how its tensors are made; while Keras runs it on symbols."""
        kept = {}

        def run(inputs):
            kept["result"], tensors = function(inputs)
            outer = trace_of(jax.tree.leaves(inputs)[0])
            kept["inside"] = [isinstance(each, jax.core.Tracer) and trace_of(each) is not outer for each in tensors]
            return [np.zeros(()) if inside else t for inside, t in zip(kept["inside"], tensors, strict=True)]

        jaxpr = jax.make_jaxpr(run)(inputs).jaxpr
        steps = [(_variables(each.invars), _variables(each.outvars)) for each in jaxpr.eqns]
        cuts = [each.primitive.name == "stop_gradient" or not _are_floats(each.outvars) for each in jaxpr.eqns]
        keys = [None if gone else id(each) for gone, each in zip(kept["inside"], jaxpr.outvars, strict=True)]
        result = keras.tree.map_structure(
            lambda leaf: jax.numpy.zeros(leaf.shape, leaf.dtype) if hasattr(leaf, "aval") else leaf, kept["result"]
        )
        return result, Graph(steps, cuts, keys)

    def _variables(variables):
        return [id(each) for each in variables if not isinstance(each, jax.extend.core.Literal)]

    def _are_floats(variables):
        return any(jax.numpy.issubdtype(each.aval.dtype, jax.numpy.inexact) for each in variables)

else:
    import torch

    # Where the framework keeps its activation functions.
    ACTIVATION_MODULES = (torch, torch.nn.functional)

    def compiled(function):
        """Return the function itself, safe from a surrounding `torch.inference_mode`."""

        def run(*args):
            with torch.inference_mode(False), torch.no_grad():
                return function(*keras.tree.map_structure(_recordable, args))

        return run

    def _recordable(tensor):
        """Copy what was made under `torch.inference_mode`, for no gradient can be taken through it."""
        return tensor.clone() if tensor.is_inference() else tensor

    def values(variables):
        """Return the variables' values to pass to a compiled function so that it sees the current weights."""
        return [variable.value.detach() for variable in variables]

    @contextlib.contextmanager
    def _modules_kept(operations):
        """Put back, after the block, modes and buffers of wrapped torch modules: a call may change both."""
        # Keras's layers are torch modules that do not know of each other.
        found = {id(each): each for operation in operations for each in getattr(operation, "modules", list)()}
        modes = [(module, module.training) for module in found.values()]
        buffers = [
            (module, name, buffer) for module, _ in modes for name, buffer in module.named_buffers(recurse=False)
        ]
        try:
            for module, name, buffer in buffers:
                setattr(module, name, buffer.clone())  # the run writes into the copy
            yield
        finally:
            for module, name, buffer in buffers:
                setattr(module, name, buffer)
            for module, training in modes:
                module.training = training

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets None.
        """
        points = {key: point.detach().requires_grad_() for key, point in points.items()}
        with torch.enable_grad():
            value, extra = function(points)
        if not value.requires_grad:
            return _detached(extra), dict.fromkeys(points)
        found = torch.autograd.grad(value, list(points.values()), allow_unused=True)
        return _detached(extra), dict(zip(points, found, strict=True))

    def traced(function, inputs):
        """Return `function(inputs)[0]` and the `Graph` of how its tensors are made; while Keras runs it on symbols."""
        with _Steps() as steps:
            result, tensors = function(inputs)
        return result, Graph(steps.steps, steps.cuts, [id(tensor) for tensor in tensors])

    class _Steps(torch.overrides.TorchFunctionMode):
        """Notes which tensors each function of PyTorch takes and gives."""

        def __init__(self):
            super().__init__()
            self.steps, self.cuts, self._alive = [], [], []

        def __torch_function__(self, function, types, args=(), kwargs=None):
            given = _tensors((args, kwargs or {}))
            result = function(*args, **(kwargs or {}))
            name = getattr(function, "__name__", "")
            made = _tensors(args[:1]) if name == "__setitem__" else _tensors(result)
            if name == "empty" and [each.shape for each in self._alive[-1:]] == [result.shape]:
                given = self._alive[-1:]  # Keras pools an empty tensor in the place of a symbolic one
            self._alive += given + made  # so that no two have one id
            if given and made:
                self.steps.append(([id(each) for each in given], [id(each) for each in made]))
                self.cuts.append(name == "detach" or not any(each.is_floating_point() for each in made))
            return result

    def _tensors(tree):
        return [leaf for leaf in keras.tree.flatten(tree) if isinstance(leaf, torch.Tensor)]

    def _detached(tree):
        return keras.tree.map_structure(lambda leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf, tree)


@contextlib.contextmanager
def state_kept(operations, draws):
    """Put back, after the block, what a run of these operations may change besides its Keras variables.

    That is the modes and buffers of wrapped torch modules and, where the operations may draw random numbers, the global
    random states of Python, NumPy and PyTorch. Numbers that another thread draws meanwhile would be drawn again, so
    that is done only where it is needed.
    """
    with random_state_kept() if draws else contextlib.nullcontext(), _modules_kept(operations):
        yield


@contextlib.contextmanager
def random_state_kept():
    """Put back, after the block, the global random states of Python, NumPy and PyTorch."""
    python, numpy, framework = random.getstate(), np.random.get_state(), _random_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        _set_random_state(framework)


if _NAME == "torch":

    def _random_state():
        on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        return torch.get_rng_state(), on_gpu

    def _set_random_state(state):
        torch.set_rng_state(state[0])
        if state[1]:
            torch.cuda.set_rng_state_all(state[1])

else:

    def _modules_kept(operations):
        return contextlib.nullcontext()

    def _random_state():
        return None

    def _set_random_state(state):
        pass
