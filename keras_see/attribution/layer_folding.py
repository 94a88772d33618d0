"""The layers that a person would choose from: a model's calls without helpers, and of large ones the ends of blocks."""

import keras

# Layers that change no feature, or only prepare, scale, pad, cut, activate or regularize what another has made.
HELPERS = (
    *("InputLayer", "Identity", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout"),
    *("GaussianNoise", "GaussianDropout", "ActivityRegularization"),
    *("BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"),
    *("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D"),
    *("Rescaling", "Normalization", "Resizing", "CenterCrop"),
    *("AugMix", "AutoContrast", "CutMix", "Equalization", "MixUp", "Pipeline", "RandAugment", "Solarization"),
)

# What joins the branches of a block, as a layer or as an operation of a functional graph.
JOINS = ("Add", "Average", "Concatenate", "Maximum")

# Tables of more rows are folded further.
READABLE = 30


def calls_worth_choosing(layer_calls):
    """Return the calls that a person would choose from, in the order of execution.

    Left out are helpers (`HELPERS`, layers that augment, plain operations of one tensor) and nested models, whose own
    layers are there. Of more than 30 calls, those inside of blocks are left out too: left are the ends of blocks, the
    last call of each size, and the head; if these are more than 30, the ends of blocks are left out. The default layer
    always stays.
    """
    chosen = [call for call in layer_calls.calls if not _is_helper(call)]
    chosen = [call for call in chosen if call.is_leaf or _holds_any(call, chosen)]
    spatial = [call for call in chosen if call.spatial]
    last = {call.shape[1:3]: call for call in spatial}.values()
    ends = [call for call in chosen if call.type in JOINS or not call.is_leaf]
    head = chosen[chosen.index(spatial[-1]) :] if spatial else chosen
    for kept in (chosen, [*ends, *last, *head], [*last, *head]):
        folded = [call for call in layer_calls.calls if call in kept or call is _default_call(layer_calls)]
        if len(folded) <= READABLE:
            break
    return folded


def _is_helper(call):
    """Return whether the call makes no features of its own, or is that of a nested model."""
    operation = call.operation
    if isinstance(operation, keras.Model):
        return True
    if not isinstance(operation, keras.Layer):
        return call.type not in JOINS and call.shape == call.input_shape
    if not call.is_leaf:
        return False
    kinds = tuple(getattr(keras.layers, name) for name in HELPERS if hasattr(keras.layers, name))
    return isinstance(operation, kinds) or _augments(operation)


def _augments(operation):
    """Return whether a layer is one of Keras's that change images at random (`RandomFlip`, `RandomRotation`, ...)."""
    return any(
        kind.__name__.startswith("Random") and getattr(keras.layers, kind.__name__, None) is kind
        for kind in type(operation).__mro__
    )


def _holds_any(call, calls):
    inside = call.path.partition("#")[0] + "/"
    return any(each.path.startswith(inside) for each in calls)


def _default_call(layer_calls):
    try:
        return layer_calls.default_call()
    except ValueError:  # nothing in the model has rows and columns
        return None
