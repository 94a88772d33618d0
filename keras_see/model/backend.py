"""The few operations that Keras leaves to its backend; nothing else names a framework."""

import contextlib
import functools
import random
import threading

import keras
import numpy as np

_NAME = keras.backend.backend()

if _NAME not in ("tensorflow", "jax", "torch"):
    raise ImportError(
        "keras_see needs a Keras backend with gradients: tensorflow, jax or torch. "
        f"Keras runs on {_NAME!r}. Set the environment variable KERAS_BACKEND before importing Keras."
    )


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

    def process_in(model):
        """Return the number of this process in the job that trains a model, or None where the framework knows none."""
        resolver = getattr(getattr(model, "distribute_strategy", None), "cluster_resolver", None)
        if resolver is None or not resolver.task_type:
            return None
        tasks = resolver.cluster_spec().as_dict()
        first = next(kind for kind in ("chief", "worker", resolver.task_type) if kind in tasks)
        before = 0 if resolver.task_type == first else len(tasks[first])
        return before + resolver.task_id

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets None.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            # Times one, so that no two gradients are one tensor: the tape never frees a graph where they are.
            value, extra = function({key: point * 1 for key, point in points.items()})
        return extra, tape.gradient(value, points)

elif _NAME == "jax":
    import jax
    from jax.experimental import multihost_utils

    # Where the framework keeps its activation functions.
    ACTIVATION_MODULES = (jax.nn,)

    def compiled(function):
        """Compile a function of tensors; Python runs only while it is traced."""
        return jax.jit(function)

    def values(variables):
        """Return the variables' values to pass to a compiled function so that it sees the current weights.

        Of values on the devices of several processes that is this process's copy. Where each process has only a part,
        every process must take part, here or in `weights_gathered`.
        """
        gathered = getattr(_GATHERED, "values", None) or _gathered(variables)
        values = (gathered.get(id(variable), variable.value) for variable in variables)
        return [value if _is_here(value) else value.addressable_data(0) for value in values]

    @contextlib.contextmanager
    def weights_gathered(model):
        """Have the whole weights of a model on each process, in the block; every process of the job must take part."""
        _GATHERED.values = _gathered(model.variables)
        try:
            yield
        finally:
            _GATHERED.values = None

    _GATHERED = threading.local()

    def _is_here(value):
        return getattr(value, "is_fully_addressable", True)

    def _is_in_parts(value):
        return not _is_here(value) and not value.is_fully_replicated

    def _gathered(variables):
        """Return the whole values of variables of which each process has a part, by the variables' ids."""
        parts = {id(variable): variable.value for variable in variables if _is_in_parts(variable.value)}
        whole = {
            key: jax.sharding.NamedSharding(part.sharding.mesh, jax.sharding.PartitionSpec())
            for key, part in parts.items()
        }
        return jax.jit(lambda arrays: arrays, out_shardings=whole)(parts) if parts else {}

    def process_in(model):
        """Return the number of this process in the job that trains a model, or None where the framework knows none."""
        return jax.process_index() if jax.process_count() > 1 else None

    def is_in_parts(model):
        """Return whether each process of the job has only a part of the model's weights."""
        return any(_is_in_parts(variable.value) for variable in model.variables)

    def meet(name, seconds):
        """Return whether all processes of the job came to the point of this name within some seconds."""
        from jax._src.distributed import global_state  # no public function waits for a limited time

        try:
            global_state.client.wait_at_barrier(name, timeout_in_ms=int(seconds * 1000))
        except jax.errors.JaxRuntimeError:
            return False
        return True

    def of_first_process(number):
        """Return the whole number that the first process of the job gives; every process must take part."""
        return int(multihost_utils.broadcast_one_to_all(np.int32(number)))

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets zeros.
        """
        found, extra = jax.grad(function, has_aux=True)(points)
        return extra, found

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

    def process_in(model):
        """Return the number of this process in the job that trains a model, or None where the framework knows none."""
        distributed = torch.distributed
        return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else None

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

    def _detached(tree):
        return keras.tree.map_structure(lambda leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf, tree)


if _NAME != "jax":

    def is_in_parts(model):
        """Return whether each process of the job has only a part of the model's weights."""
        return False

    def weights_gathered(model):
        """Have the whole weights of a model on each process, in the block: here they always are."""
        return contextlib.nullcontext()


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
