"""Colour maps by name, as short tables between which colours are interpolated."""

import numpy as np

from keras_see._validation import is_word, shown

# Each map at 17 equal steps. inferno, magma and viridis: van der Walt and Smith 2015, public domain (CC0).
# turbo: Mikhailov 2019, *Turbo, An Improved Rainbow Colormap for Visualization*. Apart from 0.03 of the full range
# they agree with the originals at all 256 places.
_TABLES = {
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

NAMES = tuple(_TABLES)


def colored(shares, name):
    """Return the colours of shares between 0 and 1 as float32 0–255, with a last axis of three."""
    if not is_word(name, NAMES):
        raise ValueError(f"`colors` must be one of {', '.join(NAMES)}. Got {shown(name)}. Choose one of them.")
    table = np.array([list(bytes.fromhex(color)) for color in _TABLES[name].split()], "float32")
    places = np.linspace(0, 1, len(table))
    channels = [np.interp(shares, places, table[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype("float32")
