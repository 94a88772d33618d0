"""The one loop behind all made images: climb an objective by changing the image, in a step compiled once."""

import dataclasses
import time

import keras
import numpy as np
from keras import ops

from keras_see import backend
from keras_see.passes import FLOAT16_SCALE, listing_of
from keras_see.preprocessing import traced_shape
from keras_see.transforms import Transforms
from keras_see.truncated import features_at

# Adam (Kingma and Ba 2015, arXiv:1412.6980) with the rate of Lucid (`lucid/optvis/param`, 0.05).
RATE, MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.05, 0.9, 0.999, 1e-8

# Images without any gradient get a new start of twice the contrast, so often: up to 2^6 · 0.01.
RESTARTS = 6

# The slope given to closed rectifiers. Small, so that what is open leads the way: with a slope of 1, two layers of
# rectifiers let a channel climb where they stayed closed.
LEAK = 0.1

# Where rectifiers had to be opened, each so many steps it is tried whether the true gradient is back.
RETRY = 4

# Progress is shown by itself when a run will take longer than this, in seconds.
# So many steps are timed to tell.
LONG, TIMED = 10.0, 4


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
    """

    parameters: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    slopes: np.ndarray
    silent: np.ndarray
    step: int = 0
    seed: int = 0


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
        >>> from keras_see.objectives import channels, one_hot
        >>> from keras_see.parameterization import Fourier
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
        self._model, self._objective, self._rate = model, objective, rate
        self._transforms = Transforms() if transforms is None else transforms
        shape = parameterization.shape
        self._preprocess = preprocess or (lambda images: images)
        self._listing = listing_of(model, np.zeros((1, *traced_shape(self._preprocess, shape)), "float32"))
        scaled = any(call.dtype == "float16" for call in self._listing.calls)
        self._scale = FLOAT16_SCALE if scaled else 1.0
        # Two programs: in the common one, rectifiers are left alone, which on TensorFlow saves a sixth of the time.
        self._step = backend.compiled(lambda *args: self._trace(*args, opens=False))
        self._opening_step = backend.compiled(lambda *args: self._trace(*args, opens=True))
        self._look = backend.compiled(self._features_in_order)
        self._judge = backend.compiled(self._scores)
        self._draw = backend.compiled(parameterization.images)

    def start(self, keys, seed=0):
        """Return a buffer of noise for one image per key, whole numbers: equal seed and key, equal start."""
        return self._buffer(self.parameterization.start(_randoms(keys, seed)), seed)

    def start_from(self, images, seed=0):
        """Return a buffer that holds these images, `(n, height, width, channels)`."""
        return self._buffer(self.parameterization.parameters_of(images), seed)

    def run(self, buffer, steps, wanted, *, cool=False, progress=False):
        """Take steps and return the new buffer, and what was reached at each: float32 `(n, steps)`.

        Args:
            buffer: What `start` or an earlier run returned, for as many images.
            steps: How many.
            wanted: What the objective wants, NumPy arrays of unchanging shapes.
            cool: Whether the step size falls to zero over this run (half a cosine), to settle in fine detail.
            progress: Whether to show a bar; None: if it takes long.
        """
        values = backend.values(self._model.variables)
        wanted = keras.tree.map_structure(lambda part: ops.convert_to_tensor(part, "float32"), wanted)
        state = {name: ops.convert_to_tensor(getattr(buffer, name)) for name in _TENSORS}
        history, bar = [], _Progress(steps, progress)
        for step in range(buffer.step, buffer.step + steps):
            rate = self._rate * (0.5 + 0.5 * np.cos(np.pi * (step - buffer.step) / steps) if cool else 1.0)
            view = self._transforms.draw(buffer.seed, step, self.parameterization.shape[:2])
            numbers = [ops.convert_to_tensor(np.asarray(part, "float32")) for part in (step + 1, rate, view)]
            take = self._opening_step if ops.convert_to_numpy(state["slopes"]).any() else self._step
            (reached, stuck), state = take(values, state, *numbers, wanted)
            if step < 2 * RESTARTS:
                state = self._restarted(state, stuck, step, buffer.seed)
            history.append(reached)
            bar.update(reached)
        arrays = {name: ops.convert_to_numpy(part) for name, part in state.items()}
        return Buffer(**arrays, step=buffer.step + steps, seed=buffer.seed), _stacked(history)

    def images(self, buffer):
        """Return the images of a buffer, float32 `(n, height, width, channels)`, inside their range."""
        images = ops.convert_to_numpy(self._draw(ops.convert_to_tensor(buffer.parameters)))
        return images.astype("float32").clip(*self.parameterization.value_range)

    def features(self, images):
        """Return the features of images, under the weights of now, at the objective's places: NumPy arrays."""
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        return [ops.convert_to_numpy(part) for part in self._look(backend.values(self._model.variables), images)]

    def scores(self, images, wanted):
        """Return `(n,)`: what images reach as they are, under the weights of now, each of its own row of `wanted`."""
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        wanted = [ops.convert_to_tensor(part, "float32") for part in wanted]
        return ops.convert_to_numpy(self._judge(backend.values(self._model.variables), images, wanted))

    @property
    def places(self):
        """The paths of the calls that the objective looks at."""
        return self._objective.places

    def _scores(self, values, images, wanted):
        return ops.cast(self._objective.score(self._features(values, images), images, wanted), "float32")

    def _features(self, values, images, slopes=None):
        inputs = self._preprocess(images)
        return features_at(self._model, values, self._listing, inputs, self._objective.places, slopes)

    def _features_in_order(self, values, images):
        features = self._features(values, images)
        return [features[place] for place in self._objective.places]

    def _trace(self, values, state, number, rate, view, wanted, *, opens):
        """Take one step, and tell what was reached before it and which images are stuck."""
        self.traces += 1
        slopes = state["slopes"]

        def climb(point):
            images = self.parameterization.images(point["parameters"])
            seen = self._transforms.view(images, view)
            features = self._features(values, seen, LEAK * slopes if opens else None)
            reached = score = ops.cast(self._objective.score(features, images, wanted), "float32")
            if self._objective.penalty is not None:
                score = score - self._objective.penalty(features, images, wanted)
            return ops.sum(score) * self._scale, reached

        reached, gradients = backend.gradients(climb, {"parameters": state["parameters"]})
        gradient, size = _unit(_existing(gradients["parameters"]))
        still = ops.cast(size == 0, "float32")
        silent = ops.where(slopes > 0, 1 + still, still * ops.maximum(state["silent"], 1))
        opened = slopes * ops.cast(number % RETRY > 0, "float32") + (1 - slopes) * still
        state = _moved(state, gradient, number, rate) | {"slopes": opened, "silent": silent}
        return (reached, still * slopes), state

    def _restarted(self, state, stuck, step, seed):
        """Give images without a gradient, even through closed rectifiers, a new start of more contrast."""
        stuck = np.flatnonzero(ops.convert_to_numpy(stuck))
        if not len(stuck):
            return state
        parameters = ops.convert_to_numpy(state["parameters"]).copy()
        contrast = 2.0 ** ((step + 1) // 2)
        parameters[stuck] = self.parameterization.start(_randoms(stuck, (seed, step)), contrast)
        return state | {"parameters": ops.convert_to_tensor(parameters)}

    def _buffer(self, parameters, seed):
        zeros, count = np.zeros_like(parameters), len(parameters)
        return Buffer(parameters, zeros, zeros, np.zeros(count, "float32"), np.zeros(count, "float32"), 0, seed)


class _Progress:
    """A bar that shows itself when asked, or when what is left will take long."""

    def __init__(self, steps, wanted):
        self._steps, self._wanted, self._done, self._ends = steps, wanted, 0, []
        self._bar = keras.utils.Progbar(steps, unit_name="step") if wanted else None

    def update(self, reached):
        self._done += 1
        if self._wanted is None and self._done <= TIMED:
            self._decide(reached)
        if self._bar is not None:
            mean = float(np.mean(ops.convert_to_numpy(reached)))
            self._bar.update(self._done, values=[("reached", mean)])

    def _decide(self, reached):
        ops.convert_to_numpy(reached)  # waits for the device
        self._ends.append(time.monotonic())
        if self._done == TIMED:
            fastest = float(np.diff(self._ends).min())  # others hold a trace
            self._bar = keras.utils.Progbar(self._steps, unit_name="step") if fastest * self._steps > LONG else None


_TENSORS = ("parameters", "mean", "square", "slopes", "silent")


def _randoms(keys, seed):
    return [np.random.default_rng([*np.atleast_1d(seed), *np.atleast_1d(key)]) for key in keys]


def _unit(gradient):
    """Return the gradient over its root mean square, image by image, and that `(n,)`; zero stays zero.

    Adam remembers the size of gradients for long. Without this, a single steep step (through opened rectifiers
    gradients are hundreds of times as large) would leave the next hundred steps tiny.
    """
    axes = tuple(range(1, len(gradient.shape)))
    largest = ops.max(ops.abs(gradient), axis=axes, keepdims=True)
    gradient = gradient / ops.where(largest > 0, largest, 1.0)  # else squares of small gradients would be zero
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=axes, keepdims=True))
    return gradient / ops.where(size > 0, size, 1.0), ops.reshape(size, (-1,))


def _moved(state, gradient, number, rate):
    """Return the state after one step of Adam, upwards; `number` counts from 1."""
    mean = MEAN_DECAY * state["mean"] + (1 - MEAN_DECAY) * gradient
    square = SQUARE_DECAY * state["square"] + (1 - SQUARE_DECAY) * ops.square(gradient)
    move = mean / (1 - MEAN_DECAY**number) / (ops.sqrt(square / (1 - SQUARE_DECAY**number)) + EPSILON)
    return {"parameters": state["parameters"] + rate * move, "mean": mean, "square": square}


def _existing(gradient):
    if gradient is not None:
        return gradient
    raise ValueError(
        "What is wanted must depend on the image through operations that have gradients. This model ignores its "
        "input there. Choose another layer, or look in the model for a stop_gradient or no_grad on the way."
    )


def _stacked(history):
    return np.stack([ops.convert_to_numpy(reached) for reached in history], axis=1).astype("float32")
