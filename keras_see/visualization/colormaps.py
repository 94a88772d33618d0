"""Colour maps by name, as tables of colours."""

import functools

import numpy as np

from keras_see._validation import is_word, shown

# Each map at 17 equal steps. inferno, magma and viridis: van der Walt and Smith 2015, public domain (CC0).
# turbo: Mikhailov 2019, *Turbo, An Improved Rainbow Colormap for Visualization*. Interpolated, they differ from the
# 256 entries of the originals by at most 0.03 of the full range.
_ANCHORS = {
    "inferno": "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 "
    "d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4",
    "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 "
    "d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
    "1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725",
    "turbo": "30123b 4040a2 466be3 4294ff 28bceb 18ddc2 32f298 6dfe62 a4fc3c "
    "cdec34 eecf3a fdac34 fb7e21 eb500e d02f05 a91601 7a0403",
    "gray": "000000 ffffff",
}

# Colour maps of signed values, 0 in the middle, at 9 equal steps: blue speaks against, red for. No choice of users.
_DIVERGING = {
    "blue_red": "1e5bd6 2f86ff 63a8ff a8cffa e6e6e6 ffb8a3 ff7d5c f24a32 d01616",
    "blue_black_red": "b8dcff 4fa3ff 1f5fd0 0d2a5c 000000 5c1410 d0301c ff6a45 ffd2c0",
}

NAMES = tuple(_ANCHORS)

# The steps of a table: a multiple of 16, so that the colours above are entries, and enough that the nearest entry is
# within a quarter of 1/255 of the interpolated colour.
STEPS = 4096


@functools.cache
def color_table(name):
    """Return the colours of 0, 1/STEPS, ..., 1 as float32 `(STEPS + 1, 3)`, from 0 to 255; one shared array."""
    anchors = np.array([list(bytes.fromhex(color)) for color in (_ANCHORS | _DIVERGING)[name].split()], "float32")
    positions, values = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, STEPS + 1)
    table = np.stack([np.interp(values, positions, channel) for channel in anchors.T], axis=-1).astype("float32")
    table.flags.writeable = False
    return table


def check_colors(name):
    """Raise unless this is the name of a colour map."""
    if not is_word(name, NAMES):
        raise ValueError(f"`colors` must be one of {', '.join(NAMES)}. Got {shown(name)}. Choose one of them.")
