"""What a dream is to be full of: layers, single channels or a guide's features, out of what a user names."""

import dataclasses
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from keras_see._validation import shown
from keras_see.optimization.objectives import Objective

# Where the default layers lie among those that bring several paths together (or that have weights, if none do), as
# shares of the depth. On GoogLeNet: eyes and fur at the first, heads, bodies and arches at the second.
DEPTHS = (0.2, 0.45)


@dataclasses.dataclass(frozen=True)
class Wish:
    """One thing to have more of.

    Attributes:
        place: The path of a call.
        channel: One of its channels, or None: all of them.
        weight: How much it counts beside the others.
    """

    place: str
    channel: int | None = None
    weight: float = 1.0

    def amount(self, features, guide=None):
        r"""Return how much of it these features `(n, rows, columns, k)` hold: `(n,)`.

        A layer: the mean square. A channel: its mean. With the features of a guide `(m, k)`: the mean over places
        of the greatest product with any of the guide's, $\max_j f_p \cdot g_j$.
        """
        features = ops.cast(features, "float32")
        axes = tuple(range(1, len(features.shape)))
        if guide is not None:
            products = ops.matmul(features, ops.transpose(guide))
            return ops.mean(ops.max(products, axis=-1), axis=axes[:-1])
        if self.channel is not None:
            return ops.mean(features[..., self.channel], axis=axes[:-1])
        return ops.mean(ops.square(features), axis=axes)


def objective_of(wishes):
    """Return the objective of wishes: the weighted mean of their amounts, each over a first amount.

    `wanted` is a list: these first amounts `(len(wishes),)`, then the guide's features at each wish, if there is one.
    """
    whole = sum(abs(wish.weight) for wish in wishes)

    def score(features, images, wanted):
        first, *guides = wanted
        amounts = amounts_of(wishes, features, guides)
        shares = [wish.weight / whole / first[number] for number, wish in enumerate(wishes)]
        return sum(share * amount for share, amount in zip(shares, amounts, strict=True))

    return Objective(tuple(dict.fromkeys(wish.place for wish in wishes)), score)


def amounts_of(wishes, features, guides):
    """Return the amount `(n,)` of each wish in features, place -> tensor."""
    guides = guides or [None] * len(wishes)
    return [wish.amount(features[wish.place], guide) for wish, guide in zip(wishes, guides, strict=True)]


def wishes_of(layers, layer_calls):
    """Return the wishes that a user means.

    Args:
        layers: None, a layer (as elsewhere: a name, a path, its unique end, or itself), `"layer:channel"`, a list of
            these, or a dict from these to weights.
        layer_calls: The model's `LayerCalls`.
    """
    if layers is None:
        return [Wish(call.path) for call in default_calls(layer_calls)]
    if not isinstance(layers, Mapping):
        for layer in layers if isinstance(layers, list | tuple) else []:
            if not isinstance(layer, str | keras.Layer):
                raise TypeError(f"`layers` must be layers or their names. Got {shown(layer)}. Make one list of them.")
        layers = dict.fromkeys(layers if isinstance(layers, list | tuple) else [layers], 1.0)
    if not layers:
        raise ValueError("`layers` must name one layer at least. Got none. Leave it out for layers chosen by depth.")
    wishes = [_wish(layer, weight, layer_calls) for layer, weight in layers.items()]
    if not any(wish.weight for wish in wishes):
        raise ValueError("`layers` must have a weight that is not 0. All weights are 0. Give one of them 1.")
    return wishes


def default_calls(layer_calls):
    """Return the calls to dream of where nobody says: two, chosen by depth."""
    usable = [call for call in layer_calls.calls if call.usable and call.is_leaf and not call.is_output]
    joints = [call for call in usable if isinstance(call.operation, keras.layers.Concatenate | keras.layers.Add)]
    with_weights = [call for call in usable if getattr(call.operation, "weights", ()) and len(call.shape) == 4]
    calls = next((calls for calls in (joints, with_weights, usable) if len(calls) > 2), usable)
    if not calls:
        raise ValueError(
            "A dream needs a layer whose output has rows and columns. This model has none before its outputs. "
            "Name a layer in `layers`."
        )
    return [calls[place] for place in dict.fromkeys(int(share * len(calls)) for share in DEPTHS)]


def _wish(layer, weight, layer_calls):
    if isinstance(weight, bool) or not isinstance(weight, int | float | np.number) or not np.isfinite(weight):
        raise ValueError(f"The weights of `layers` must be finite numbers. {layer!r} has {weight!r}. 1 is usual.")
    name, _, channel = layer.rpartition(":") if isinstance(layer, str) else ("", "", "")
    if not name or any(call.path == layer for call in layer_calls.calls):
        return Wish(_spatial(layer_calls.find(layer)).path, None, float(weight))
    call = _spatial(layer_calls.find(name))
    if not channel.isdecimal() or int(channel) >= call.shape[-1]:
        raise ValueError(
            f"A single channel is written 'layer:number', the number from 0 to {call.shape[-1] - 1} in {name!r}. "
            f"Got {layer!r}. Correct the number."
        )
    return Wish(call.path, int(channel), float(weight))


def _spatial(call):
    if call.shape is not None and len(call.shape) == 4:
        return call
    found = "is not a single tensor" if call.shape is None else f"has shape {('batch', *call.shape[1:])}"
    raise ValueError(
        "A dream needs layers whose outputs have rows and columns: (batch, rows, columns, channels). "
        f"That of {call.path!r} {found}. keras_see.layers(model) lists all; choose an earlier one."
    )
