"""The few operations that Keras leaves to its backend; nothing else names a framework."""

import contextlib
import functools

import keras

_NAME = keras.backend.backend()

if _NAME not in ("tensorflow", "jax", "torch"):
    raise ImportError(
        "keras_see needs a Keras backend with gradients: tensorflow, jax or torch. "
        f"Keras runs on {_NAME!r}. Set the environment variable KERAS_BACKEND before importing Keras."
    )


# Whether a compiled function computes only what its results need.
DROPS_WHAT_IS_UNUSED = _NAME != "torch"

if _NAME == "tensorflow":
    import tensorflow as tf

    def compiled(function):
        """Compile a function of tensors; Python runs only while it is traced."""
        # XLA is not forced: on two CPU cores it made a MobileNetV2 pass ten times slower. TensorFlow counts traces per
        # Python code and would warn of models that share it; a partial has no code of its own.
        return tf.function(functools.partial(function), autograph=False)

    def values(variables):
        """Return what must be handed to a compiled function so that it sees today's weights."""
        return []  # a graph reads its variables each time that it runs

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets None.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            value, extra = function(points)
        return extra, tape.gradient(value, points)

elif _NAME == "jax":
    import jax

    def compiled(function):
        """Compile a function of tensors; Python runs only while it is traced."""
        return jax.jit(function)

    def values(variables):
        """Return what must be handed to a compiled function so that it sees today's weights."""
        return [variable.value for variable in variables]

    def gradients(function, points):
        """Return `function(points)[1]` and the gradients of `function(points)[0]`.

        `points` is a dict of tensors; a point that the value does not depend on gets zeros.
        """
        found, extra = jax.grad(function, has_aux=True)(points)
        return extra, found

else:
    import torch

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
        """Return what must be handed to a compiled function so that it sees today's weights."""
        return [variable.value.detach() for variable in variables]

    @contextlib.contextmanager
    def modes_kept(model):
        """Put back, after the block, which of a model's modules train: a wrapped torch module is switched by a call."""
        modes = [(module, module.training) for module in model.modules()]
        try:
            yield
        finally:
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


if _NAME != "torch":

    def modes_kept(model):
        """Do nothing: here a call of the model changes no mode."""
        return contextlib.nullcontext()


def random_state():
    """Return a function that puts the backend's own global random numbers back as they are now."""
    if _NAME != "torch":
        return lambda: None
    state = torch.get_rng_state()
    return lambda: torch.set_rng_state(state)
