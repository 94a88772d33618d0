"""The numeric options of a deep dream, checked."""

import dataclasses

from keras_see._validation import is_number, is_size, is_whole, shown
from keras_see.optimization.batched_ascent import checked_seed


@dataclasses.dataclass(frozen=True)
class DreamOptions:
    """Octaves, steps and tiles of a dream; the defaults were chosen by eye, on GoogLeNet and photographs of all kinds.

    `dream` explains each of them.
    """

    octaves: int = 4
    octave_scale: float = 1.4
    steps: int = 12
    step_size: float = 0.014
    tile: int | tuple[int, int] = 512
    strength: float = 1.0
    seed: int = 0

    def __post_init__(self):
        for name in ("octaves", "steps"):
            number = getattr(self, name)
            self._check(name, is_whole(number, 1), "a whole number from 1")
        self._check("tile", is_whole(self.tile, 1) or is_size(self.tile), "a side in pixels, or (height, width)")
        self._check("octave_scale", is_number(self.octave_scale) and self.octave_scale > 1, "a number above 1")
        self._check("step_size", is_number(self.step_size) and self.step_size > 0, "a number above 0")
        self._check("strength", is_number(self.strength) and self.strength >= 0, "a number from 0")
        checked_seed(self.seed)

    def _check(self, name, fits, wanted):
        if not fits:
            usual = next(field.default for field in dataclasses.fields(self) if field.name == name)
            raise ValueError(f"`{name}` must be {wanted}. Got {shown(getattr(self, name))}. {usual} is the default.")
