"""The one loop behind all made images: climb an objective by changing the image, in a step compiled once."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_see._progress import Progress
from keras_see.model import backend
from keras_see.optimization.objective_gradient import LEAK, Slope
from keras_see.optimization.transforms import Transforms

# Adam (Kingma and Ba 2015, arXiv:1412.6980) with the rate of Lucid (`lucid/optvis/param`, 0.05).
RATE, MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.05, 0.9, 0.999, 1e-8

# Images without any gradient get a new start of twice the contrast, so often: up to 2^6 · 0.01.
RESTARTS = 6

# Where rectifiers had to be opened, each so many steps it is tried whether the true gradient is back.
RETRY = 4


@dataclasses.dataclass(frozen=True)
class Buffer:
    """Images in the making, NumPy arrays: keep it, and the next run goes on from it.

    Attributes:
        parameters: Of the images, as the parameterisation has them.
        mean: Adam's running mean of the gradients.
        square: Adam's running mean of their squares.
        slopes: `(n,)`, 1 where the next step lets gradients through closed rectifiers, else 0.
        silent: `(n,)`, 0 where the image has a gradient; 1 where it excites nothing yet and climbs only because closed
            rectifiers were opened; 2 where that gives no gradient either.
        step: How many steps were taken.
        seed: Of the views: each step's follows from it and from the number of the step.
        keys: Of the starts, one per image.
    """

    parameters: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    slopes: np.ndarray
    silent: np.ndarray
    step: int = 0
    seed: int = 0
    keys: tuple = ()


class Ascent:
    """Climbs one objective for one model and shape of images; the step is compiled at its first run.

    The model runs in inference mode, as far as the objective looks and no further, and cannot change. Its weights are
    read at the start of each run, so a buffer can be kept through a training and goes on in every epoch.

    Where a rectifier is closed everywhere, an image has no gradient and would stay grey. It then takes steps in which
    closed rectifiers let the gradient through; where that does not help either, it gets a new start.

    Args:
        model: A built Keras model with one input.
        objective: An `Objective`.
        parameterization: `Fourier` or `Pixels`.
        transforms: The `Transforms` through which the model sees the images.
        preprocess: Makes of the images what the model takes; a function of tensors, as `traceable` gives it.
        rate: Step size, in units of the parameters.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see.optimization.objectives import channels, one_hot
        >>> from keras_see.optimization.parameterization import Fourier
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> ascent = Ascent(model, channels("conv"), Fourier((16, 16, 3), (0, 1)))
        >>> buffer, history = ascent.run(ascent.start([0, 1]), 5, one_hot([0, 1], 4))
        >>> buffer, more = ascent.run(buffer, 5, one_hot([0, 1], 4))
        >>> ascent.images(buffer).shape, history.shape, buffer.step
        ((2, 16, 16, 3), (2, 5), 10)
    """

    def __init__(self, model, objective, parameterization, *, transforms=None, preprocess=None, rate=RATE):
        self.traces = 0  # how often Python went through the step (on PyTorch: at each step)
        self.parameterization = parameterization
        self._rate, self._transforms = rate, Transforms() if transforms is None else transforms
        self._slope = Slope(model, objective, parameterization, transforms=self._transforms, preprocess=preprocess)
        # Two programs: in the common one, rectifiers are left alone, which on TensorFlow saves a sixth of the time.
        self._step = backend.compiled(lambda *args: self._trace(*args, opens=False))
        self._opening_step = backend.compiled(lambda *args: self._trace(*args, opens=True))
        self._draw = backend.compiled(parameterization.images)

    def start(self, keys, seed=0):
        """Return a buffer of noise for one image per key, whole numbers: equal seed and key, equal start."""
        return self._buffer(self.parameterization.start(_randoms(keys, seed)), seed, keys)

    def start_from(self, images, seed=0):
        """Return a buffer that holds these images, `(n, height, width, channels)`."""
        return self._buffer(self.parameterization.parameters_of(images), seed, range(len(images)))

    def run(self, buffer, steps, wanted, *, cool=False, progress=False):
        """Take steps and return the new buffer, and what was reached at each: float32 `(n, steps)`.

        Args:
            buffer: What `start` or an earlier run returned, for as many images.
            steps: How many.
            wanted: What the objective wants, NumPy arrays of unchanging shapes.
            cool: Whether the step size falls to zero over this run (half a cosine), to settle in fine detail.
            progress: Whether to show a bar; None: if it takes long.
        """
        values = self._slope.values()
        wanted = keras.tree.map_structure(lambda part: ops.convert_to_tensor(part, "float32"), wanted)
        state = {name: ops.convert_to_tensor(getattr(buffer, name)) for name in _TENSORS}
        history, bar = [], Progress(steps, progress)
        for step in range(buffer.step, buffer.step + steps):
            rate = self._rate * (0.5 + 0.5 * np.cos(np.pi * (step - buffer.step) / steps) if cool else 1.0)
            view = self._transforms.draw(buffer.seed, step, self.parameterization.shape[:2])
            numbers = [ops.convert_to_tensor(np.asarray(part, "float32")) for part in (step + 1, rate, view)]
            take = self._opening_step if ops.convert_to_numpy(state["slopes"]).any() else self._step
            (reached, stuck), state = take(values, state, *numbers, wanted)
            if step < 2 * RESTARTS:
                state = self._restarted(state, stuck, step, buffer)
            history.append(reached)
            bar.update(reached)
        arrays = {name: ops.convert_to_numpy(part) for name, part in state.items()}
        return Buffer(**arrays, step=buffer.step + steps, seed=buffer.seed, keys=buffer.keys), _stacked(history)

    def images(self, buffer):
        """Return the images of a buffer, float32 `(n, height, width, channels)`, inside their range."""
        images = ops.convert_to_numpy(self._draw(ops.convert_to_tensor(buffer.parameters)))
        return images.astype("float32").clip(*self.parameterization.value_range)

    def features(self, images):
        """Return the features of images, under the weights of now, at the objective's places: NumPy arrays."""
        return self._slope.features(images)

    def scores(self, images, wanted):
        """Return `(n,)`: what images reach as they are, under the weights of now, each of its own row of `wanted`."""
        return self._slope.scores(images, wanted)

    def all_scores(self, images, wanted):
        """Return `(n, k)`: what each image reaches as it is of each of the `k` rows of `wanted`."""
        return self._slope.all_scores(images, wanted)

    @property
    def model(self):
        """The model that is looked into."""
        return self._slope.model

    @property
    def has_prior(self):
        """Whether something else than what is wanted moves the images too."""
        return self._slope.has_prior

    @property
    def places(self):
        """The paths of the calls that the objective looks at."""
        return self._slope.places

    def _trace(self, values, state, number, rate, view, wanted, *, opens):
        """Take one step, and tell what was reached before it and which images are stuck."""
        self.traces += 1
        slopes = state["slopes"]
        reached, gradient, size = self._slope(
            values, state["parameters"], wanted, view, LEAK * slopes if opens else None
        )
        still = ops.cast(size == 0, "float32")
        silent = ops.where(slopes > 0, 1 + still, still * ops.maximum(state["silent"], 1))
        opened = slopes * ops.cast(number % RETRY > 0, "float32") + (1 - slopes) * still
        state = _moved(state, gradient, number, rate) | {"slopes": opened, "silent": silent}
        return (reached, still * slopes), state

    def _restarted(self, state, stuck, step, buffer):
        """Give images without a gradient, even through closed rectifiers, a new start of more contrast."""
        stuck = np.flatnonzero(ops.convert_to_numpy(stuck))
        if not len(stuck):
            return state
        parameters = ops.convert_to_numpy(state["parameters"]).copy()
        contrast = 2.0 ** ((step + 1) // 2)
        parameters[stuck] = self.parameterization.start(
            _randoms([buffer.keys[row] for row in stuck], (buffer.seed, step)), contrast
        )
        return state | {"parameters": ops.convert_to_tensor(parameters)}

    def _buffer(self, parameters, seed, keys):
        zeros, none = np.zeros_like(parameters), np.zeros(len(parameters), "float32")
        return Buffer(parameters, zeros, zeros, none, none, 0, seed, tuple(keys))


_TENSORS = ("parameters", "mean", "square", "slopes", "silent")


def _randoms(keys, seed):
    return [np.random.default_rng([*np.atleast_1d(seed), *np.atleast_1d(key)]) for key in keys]


def _moved(state, gradient, number, rate):
    """Return the state after one step of Adam, upwards; `number` counts from 1."""
    mean = MEAN_DECAY * state["mean"] + (1 - MEAN_DECAY) * gradient
    square = SQUARE_DECAY * state["square"] + (1 - SQUARE_DECAY) * ops.square(gradient)
    move = mean / (1 - MEAN_DECAY**number) / (ops.sqrt(square / (1 - SQUARE_DECAY**number)) + EPSILON)
    return {"parameters": state["parameters"] + rate * move, "mean": mean, "square": square}


def _stacked(history):
    return np.stack([ops.convert_to_numpy(reached) for reached in history], axis=1).astype("float32")
