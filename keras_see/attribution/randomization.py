"""The randomization check: whether maps change when what a model has learned is destroyed, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from keras_see._types import Images, Targets
from keras_see._validation import is_whole, shown
from keras_see.attribution.chosen_method import maps_of
from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.map_statistics import stability
from keras_see.model.cache import layer_calls_of
from keras_see.model.image_batches import check_batch_size
from keras_see.model.other_weights import other_weights, shuffled

__all__ = ["randomization_check"]


def randomization_check(
    model: keras.Model,
    images: Images,
    method: str | Mapping[str, Mapping[str, Any]] | Callable[..., Any],
    targets: Targets = None,
    *,
    seed: int = 0,
    batch_size: int = 32,
) -> dict[str, np.ndarray]:
    """Return how alike maps stay while layers are randomized one after the other, from the output to the input.

    The weights of the last layer are brought into random order, then those of the one before it too, and so on; each
    time the maps are compared with those of the model as it is, by `stability`. Maps that hardly change do not show
    what the model has learned (Adebayo et al. 2018, *Sanity Checks for Saliency Maps*, section 3, cascading
    randomization, arXiv:1810.03292; they draw the weights anew, here each weight keeps its values in another order, and
    so its scale). The explained class stays that of the model as it is.

    The model is not changed: other weights stand in for its own while a pass runs.

    Args:
        model: A built Keras model.
        images: As for `saliency_maps`.
        method: As for `grid_pointing`.
        targets: As for `saliency_maps`.
        seed: Equal seeds give equal orders.
        batch_size: Images per pass; bounds the memory.

    Returns:
        A dict, from the last layer to the first: the path of the layer to float64 `(n,)`, the rank correlation of each
        image's map when this layer and all after it are randomized; NaN where a map has the same value everywhere.

    Raises:
        ValueError: If an argument does not fit the model.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> images = np.random.default_rng(0).random((2, 16, 16, 3))
        >>> found = randomization_check(gap_classifier(4, (16, 16, 3)), images, "grad_cam")
        >>> list(found)[0], found["class_maps"].shape
        ('class_maps', (2,))
    """
    given, labels = given_images(model, images)
    check_batch_size(batch_size)
    if not is_whole(seed):
        raise ValueError(f"`seed` must be a whole number from 0. Got {shown(seed)}. 0 is the default.")
    explained = _fixed(model, given, targets, labels, batch_size)
    return _cascade(model, given, method, explained, seed, batch_size)


def _cascade(model, images, method, targets, seed, batch_size):
    truth = maps_of(method, model, images, targets, batch_size)
    random, found, values = np.random.default_rng(seed), {}, []
    for path, variables in layers_with_weights(layer_calls_of(model, images), model):
        values += [(variable, shuffled(variable, random)) for variable in variables]
        with other_weights(values):
            found[path] = stability(truth, maps_of(method, model, images, targets, batch_size))
    return found


def layers_with_weights(layer_calls, model):
    """Return pairs of a path and the variables of the layer there, from the last layer to the first, each layer once.

    Weights that a model holds by itself come last, under the model's name.
    """
    found, seen = [], set()
    calls = [call for call in reversed(layer_calls.calls) if call.is_leaf]
    for path, holder in [*((call.path, call.operation) for call in calls), (model.name, model)]:
        variables = [each for each in getattr(holder, "weights", ()) if id(each) not in seen and _is_float(each)]
        seen |= set(map(id, variables))
        if variables:
            found.append((path, variables))
    return found


def _fixed(model, images, targets, labels, batch_size):
    """Return targets that stay the same whatever the model's weights are."""
    if callable(targets):
        return targets
    result = explain(model, images, [], targets, labels=labels, batch_size=batch_size)
    return result.classes if (result.classes >= 0).all() else (targets if targets is not None else labels)


def _is_float(variable):
    return "float" in str(variable.dtype)
