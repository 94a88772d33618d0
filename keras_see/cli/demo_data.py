"""The demo's data: handwritten digits hidden in clutter, or a folder of the user's own photographs."""

import random
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from keras_see.pictures.fitting import in_channels
from keras_see.pictures.picture_files import read_picture
from keras_see.visualization.resizing import resized_maps

SIDE = 64
# Endings of the files that are read as photographs, and of those that look like some but may need another program.
READABLE = {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"}
DOUBTFUL = {".avif", ".heic", ".heif", ".jxl", ".psd", ".svg", ".ico", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw"}


def cluttered_digits(count, seed, validation=False):
    """Return images of one handwritten digit each, at a random place and size, among fragments of other digits.

    The digits are the 1,797 that scikit-learn ships (Alpaydin and Kaynak 1998, *Optical Recognition of Handwritten
    Digits*, UCI repository); those of validation images are in no training image. The clutter follows Mnih et al.
    2014, *Recurrent Models of Visual Attention*, section 4.1, arXiv:1406.6247.

    Args:
        count: Number of images.
        seed: Equal seeds give equal images.
        validation: Draw from the last fifth of the digits instead of the first four.

    Returns:
        float32 images `(count, 64, 64, 1)` from 0 to 1, their digits `(count,)`, and boxes `(count, 4)` around them:
        `(x0, y0, x1, y1)`, half-open.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    first = len(digits.images) * 4 // 5
    part = slice(first, None) if validation else slice(first)
    strokes, labels = digits.images[part].astype("float32") / 16, digits.target[part]
    rng = np.random.default_rng(seed)
    images, boxes = np.zeros((count, SIDE, SIDE, 1), "float32"), np.zeros((count, 4), int)
    chosen = rng.integers(len(strokes), size=count)
    for image, box, number in zip(images[..., 0], boxes, chosen, strict=True):
        for _ in range(rng.integers(6, 12)):
            row, column = rng.integers(5, size=2)
            fragment = strokes[rng.integers(len(strokes))][row : row + 4, column : column + 4]
            _paste(image, _enlarged(fragment, rng.integers(8, 12)), rng)
        box[:] = _paste(image, _enlarged(strokes[number], rng.integers(18, 26)), rng, alone=True)
        image += rng.normal(0, 0.08, image.shape)
    return images.clip(0, 1), labels[chosen], boxes


def _enlarged(strokes, side):
    return resized_maps(strokes[None], (side, side))[0].clip(0, 1)


def _paste(image, patch, rng, alone=False):
    """Paste a patch at a random place, over the image there (or in place of it), and return its box."""
    side = len(patch)
    y, x = rng.integers(SIDE - side + 1, size=2)
    place = image[y : y + side, x : x + side]
    place[:] = patch if alone else np.maximum(place, patch)
    return x, y, x + side, y + side


class Photographs(keras.utils.PyDataset):
    """Photographs in class folders, read batch by batch: uint8 `(n, side, side, 3)`, the central square of each."""

    def __init__(self, files, classes, side, batch_size=32, shuffle=False):
        super().__init__()
        self._files, self._classes, self._side, self._batch_size = list(files), classes, side, batch_size
        self._random = random.Random(0) if shuffle else None
        self.on_epoch_end()

    def on_epoch_end(self):
        """Shuffle for the next epoch."""
        if self._random:
            self._random.shuffle(self._files)

    @property
    def labels(self):
        """The class number of each photograph, in the present order."""
        return np.array([self._classes.index(file.parent.name) for file in self._files])

    def __len__(self):
        return -(-len(self._files) // self._batch_size)

    def __getitem__(self, number):
        batch = slice(number * self._batch_size, (number + 1) * self._batch_size)
        return np.stack([_square(file, self._side)[0] for file in self._files[batch]]), self.labels[batch]


def photographs(folder, side):
    """Return training and validation `Photographs` and the class names of a folder of class folders.

    A folder that contains `train` and `val` (or `validation`, `test`) is already split; otherwise a fifth of the
    pictures is held out for validation. Files that cannot be read as pictures are left out, and printed, as are those
    whose values are stretched or of which a part is left out.
    """
    folder = Path(folder)
    held_out = next((folder / name for name in ("val", "validation", "test") if (folder / name).is_dir()), None)
    training, classes = _files(folder / "train" if held_out and (folder / "train").is_dir() else folder)
    if held_out and (folder / "train").is_dir():
        validation, found = _files(held_out)
        classes = sorted({*classes, *found})
    else:
        random.Random(0).shuffle(training)
        validation, training = training[: len(training) // 5], training[len(training) // 5 :]
    return Photographs(training, classes, side, shuffle=True), Photographs(validation, classes, side), classes


def _files(folder):
    looks = READABLE | DOUBTFUL
    files = _readable(sorted(file for file in folder.glob("*/*") if file.suffix.lower() in looks))
    classes = sorted({file.parent.name for file in files})
    if len(classes) < 2 or len(files) < 10:
        raise ValueError(
            "--data must be a folder with one folder of pictures per class, two classes and ten pictures at least. "
            f"Found {len(classes)} classes and {len(files)} pictures in {str(folder)!r}. "
            "Arrange them as FOLDER/class/picture.jpg."
        )
    return files, classes


def _readable(files):
    """Return the files that can be read as pictures, and print what is left out: now, not during training."""
    notes, broken = {}, []
    for file in files:
        try:
            _, note = _square(file, 1)
        except ValueError:
            broken.append(file)
        else:
            for part in filter(None, note.split("; ")):
                notes.setdefault(part.partition(":")[0], []).append(file)
    if broken:
        notes = {"left out, since they cannot be read as pictures": broken} | notes
    for note, those in notes.items():
        more = f" and {len(those) - 5} more" if len(those) > 5 else ""
        print(f"{note[0].upper()}{note[1:]}: {', '.join(map(str, those[:5]))}{more}", flush=True)
    return [file for file in files if file not in broken]


def _square(file, side):
    """Return the central square of a picture, uint8 `(side, side, 3)`, and a note as `read_picture` does."""
    pixels, note = read_picture(file)
    colors, dropped = in_channels(pixels, 3)
    height, width, _ = colors.shape
    edge = min(height, width)
    left, top = (width - edge) // 2, (height - edge) // 2
    box = (left, top, left + edge, top + edge)
    square = Image.fromarray(colors).resize((side, side), Image.Resampling.BILINEAR, box)
    return np.asarray(square), "; ".join(filter(None, [note, dropped]))
