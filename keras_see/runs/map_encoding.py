"""The format of raw maps and single pictures in an event file: a header in JSON, then the values.

`docs/format.md` describes it byte by byte. Its version is raised when an older reader would misread it.
"""

import io
import json
import math
import struct
import zlib

import numpy as np
from PIL import Image

from keras_see.runs.records import Maps

MAGIC, VERSION = b"see\n", 1

# Maps of at most so many values a side are kept to half precision, finer ones reduced to `FINE_SIDE` and to 8 bits.
EXACT_SIDE, FINE_SIDE = 64, 96

# Codes of 8 bits: 0 is "no number"; values above zero have 254 steps, or 127 where there are values below zero too.
STEPS, SIGNED_STEPS, SIGNED_ZERO = 254, 127, 128

# The longer side of a sample image, and the side up to which a picture is kept pixel by pixel.
PICTURE_SIDE, LOSSLESS_SIDE = 512, 96
QUALITY = 88  # of WebP: the loss cannot be seen at the size of a tile

# Work for zlib: level 6 takes three times as long and saves one part in a hundred.
LEVEL = 3


class StoredMaps(np.ndarray):
    """Maps as they were read: float32 `(n, rows, columns)`.

    Attributes:
        about: What belongs to them, as a dict. `about["error"]` is the greatest error of a value as a share of its
            map's largest value, and `about["size"]` the rows and columns before fine maps were reduced.
    """

    about: dict = {}

    def __array_finalize__(self, source):
        self.about = getattr(source, "about", {})


class StoredTiles(tuple):
    """Pictures as they were read, uint8 `(height, width, 3)` each; `about` is what belongs to them."""

    about: dict = {}


def encoded(record):
    """Return the bytes of a `Maps` or `Tiles` record."""
    return _encoded_maps(record) if isinstance(record, Maps) else _encoded_tiles(record)


def decoded(data):
    """Return `StoredMaps` or `StoredTiles` from the bytes of a record."""
    header, body = _parts(data)
    return _decoded_maps(header, body) if header["kind"] == "maps" else _decoded_tiles(header, body)


def header_of(data):
    """Return what the header says, as a dict; raise ValueError where these bytes are none that we read."""
    return _parts(data)[0]


def encoded_pictures(pictures):
    """Return pictures, uint8 `(height, width, 3)` each, as WebP: small ones exactly, large ones made smaller."""
    return [_webp(Image.fromarray(np.ascontiguousarray(picture))) for picture in pictures]


def _encoded_maps(record):
    maps = np.asarray(record.values, "float32")
    size, is_fine = maps.shape[1:], max(maps.shape[1:]) > EXACT_SIDE
    maps = _reduced(maps) if is_fine else maps
    scales = [_scale(each) for each in maps]
    shares = maps / np.array([scale or 1.0 for scale in scales], "float64")[:, None, None]
    is_signed = bool((shares < 0).any())
    values, error = _bytes(shares, is_signed) if is_fine else (shares.astype("<f2"), 2.0**-12)
    encoding = ("signed8" if is_signed else "root8") if is_fine else "float16"
    header = {"kind": "maps", "shape": list(maps.shape), "size": list(size), "encoding": encoding, "scales": scales}
    return _joined(header | {"error": error, "about": record.about}, zlib.compress(values.tobytes(), LEVEL))


def _encoded_tiles(record):
    header = {"kind": "tiles", "lengths": [len(each) for each in record.encoded], "about": record.about}
    return _joined(header, b"".join(record.encoded))


def _joined(header, body):
    text = json.dumps(_finite({"version": VERSION} | header), separators=(",", ":")).encode()
    return MAGIC + struct.pack("<I", len(text)) + text + body


def _parts(data):
    if data[:4] != MAGIC or len(data) < 8:
        raise ValueError("These bytes must be a record of keras_see's viewer. They do not begin as one.")
    (length,) = struct.unpack("<I", data[4:8])
    header = json.loads(data[8 : 8 + length])
    if header["version"] > VERSION:
        raise ValueError(
            f"A record must be of format {VERSION} or older. Got {header['version']}. Install a newer keras_see."
        )
    return header, data[8 + length :]


def _scale(each):
    """Return the largest magnitude of a map's finite values."""
    return float(np.abs(np.where(np.isfinite(each), each, 0)).max())


def _reduced(maps):
    """Return fine maps with `FINE_SIDE` values on the longer side, each the mean of those that it replaces."""
    rows, columns = maps.shape[1:]
    factor = min(FINE_SIDE / max(rows, columns), 1)
    size = max(round(columns * factor), 1), max(round(rows * factor), 1)
    return np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BOX)) for each in maps])


def _bytes(shares, is_signed):
    """Return shares as codes of 8 bits on a square-root scale, and the greatest error."""
    known = np.isfinite(shares)
    safe = np.where(known, shares, 0).clip(-1, 1)
    roots = np.sign(safe) * np.sqrt(np.abs(safe))
    codes = SIGNED_ZERO + np.rint(roots * SIGNED_STEPS) if is_signed else 1 + np.rint(roots * STEPS)
    # Half a step of the root r changes r² by r / steps, and r is at most 1.
    return np.where(known, codes, 0).astype("uint8"), 1 / (SIGNED_STEPS if is_signed else STEPS)


def _decoded_maps(header, body):
    raw, shape = zlib.decompress(body), header["shape"]
    if header["encoding"] == "float16":
        shares = np.frombuffer(raw, "<f2").astype("float32").reshape(shape)
    else:
        codes = np.frombuffer(raw, "uint8").astype("float32").reshape(shape)
        is_signed = header["encoding"] == "signed8"
        roots = (codes - SIGNED_ZERO) / SIGNED_STEPS if is_signed else (codes - 1) / STEPS
        shares = np.where(codes == 0, np.nan, np.sign(roots) * roots**2)
    values = shares * np.array(header["scales"], "float32")[:, None, None]
    maps = values.astype("float32").view(StoredMaps)
    maps.about = header["about"] | {"error": header["error"], "size": header["size"]}
    return maps


def _decoded_tiles(header, body):
    pictures, start = [], 0
    for length in header["lengths"]:
        pictures.append(np.asarray(Image.open(io.BytesIO(body[start : start + length])).convert("RGB")))
        start += length
    tiles = StoredTiles(pictures)
    tiles.about = header["about"]
    return tiles


def _webp(image):
    buffer = io.BytesIO()
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    options = {"lossless": True} if max(image.size) <= LOSSLESS_SIDE else {"quality": QUALITY}
    image.save(buffer, "WEBP", **options)
    return buffer.getvalue()


def _finite(thing):
    """Return what JSON can hold: None for numbers that are not finite, and "?" for halves of characters."""
    if isinstance(thing, dict):
        return {str(key): _finite(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_finite(value) for value in thing]
    if isinstance(thing, str):
        return thing.encode("utf-8", "replace").decode()
    if isinstance(thing, float | np.floating):
        return float(thing) if math.isfinite(thing) else None
    return int(thing) if isinstance(thing, np.integer) else thing
