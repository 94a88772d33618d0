"""Layer objectives: parse the `layers` argument of `dream` into weighted layers and channels to amplify."""

import dataclasses
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from keras_see._validation import shown
from keras_see.optimization.objectives import Objective

# Depths of the default layers, as shares of the list of layers that merge several paths (of those with weights, if none
# does). On GoogLeNet the first gives eyes and fur, the second heads, bodies and arches.
DEPTHS = (0.2, 0.45)


@dataclasses.dataclass(frozen=True)
class LayerObjective:
    """A layer or channel to amplify, and its weight.

    Attributes:
        path: The path of a layer call.
        channel: One of its channels, or None: all of them.
        weight: Its weight among the objectives.
    """

    path: str
    channel: int | None = None
    weight: float = 1.0

    def value(self, features, guide=None):
        r"""Return the objective's value `(n,)` of features `(n, rows, columns, k)`.

        Of a layer the mean square, of a channel the mean. With the features of a guide `(m, k)`: the mean over places
        $p$ of the greatest product with any of the guide's, $\max_j f_p \cdot g_j$.
        """
        features = ops.cast(features, "float32")
        axes = tuple(range(1, len(features.shape)))
        if guide is not None:
            products = ops.matmul(features, ops.transpose(guide))
            return ops.mean(ops.max(products, axis=-1), axis=axes[:-1])
        if self.channel is not None:
            return ops.mean(features[..., self.channel], axis=axes[:-1])
        return ops.mean(ops.square(features), axis=axes)


def combined(objectives):
    """Return one `Objective`: the weighted mean of the objectives' values, each relative to a first value.

    Its `goals` is a list: the first values `(len(objectives),)`, then the guide's features of each, if there is one.
    """
    whole = sum(abs(objective.weight) for objective in objectives)

    def score(features, images, goals):
        first, *guides = goals
        shares = [objective.weight / whole / first[number] for number, objective in enumerate(objectives)]
        pairs = zip(shares, values_of(objectives, features, guides), strict=True)
        return sum(share * value for share, value in pairs)

    return Objective(tuple(dict.fromkeys(objective.path for objective in objectives)), score, is_share=True)


def values_of(objectives, features, guides):
    """Return the value `(n,)` of each objective; `features` is path -> tensor."""
    guides = guides or [None] * len(objectives)
    pairs = zip(objectives, guides, strict=True)
    return [objective.value(features[objective.path], guide) for objective, guide in pairs]


def layer_objectives_of(layers, layer_calls):
    """Return the layer objectives that a `layers` argument names.

    Args:
        layers: None, a layer (a name, a path, the unique end of a path, or the layer itself), `"layer:channel"`, a list
            of these, or a dict from these to weights.
        layer_calls: The model's `LayerCalls`.
    """
    if layers is None:
        return [LayerObjective(call.path) for call in default_calls(layer_calls)]
    if not isinstance(layers, Mapping):
        for layer in layers if isinstance(layers, list | tuple) else []:
            if not isinstance(layer, str | keras.Layer):
                raise TypeError(f"`layers` must be layers or their names. Got {shown(layer)}. Make one list of them.")
        layers = dict.fromkeys(layers if isinstance(layers, list | tuple) else [layers], 1.0)
    if not layers:
        raise ValueError("`layers` must name one layer at least. Got none. Leave it out for layers chosen by depth.")
    objectives = [_layer_objective(layer, weight, layer_calls) for layer, weight in layers.items()]
    if not any(objective.weight for objective in objectives):
        raise ValueError("`layers` must have a weight that is not 0. All weights are 0. Give one of them 1.")
    return objectives


def default_calls(layer_calls):
    """Return the default layer calls to dream of: two (or one), chosen by depth."""
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


def _layer_objective(layer, weight, layer_calls):
    if isinstance(weight, bool) or not isinstance(weight, int | float | np.number) or not np.isfinite(weight):
        raise ValueError(f"The weights of `layers` must be finite numbers. {layer!r} has {weight!r}. 1 is usual.")
    name, _, channel = layer.rpartition(":") if isinstance(layer, str) else ("", "", "")
    if not name or any(call.path == layer for call in layer_calls.calls):
        return LayerObjective(_spatial(layer_calls.find(layer)).path, None, float(weight))
    call = _spatial(layer_calls.find(name))
    if not channel.isdecimal() or int(channel) >= call.shape[-1]:
        raise ValueError(
            f"A single channel is written 'layer:number', the number from 0 to {call.shape[-1] - 1} in {name!r}. "
            f"Got {layer!r}. Correct the number."
        )
    return LayerObjective(call.path, int(channel), float(weight))


def _spatial(call):
    if call.shape is not None and len(call.shape) == 4:
        return call
    found = "is not a single tensor" if call.shape is None else f"has shape {('batch', *call.shape[1:])}"
    raise ValueError(
        "A dream needs layers whose outputs have rows and columns: (batch, rows, columns, channels). "
        f"That of {call.path!r} {found}. keras_see.layers(model, all=True) lists all; choose an earlier one."
    )
