import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_see import overlay, sheet
from keras_see.runs.tensorboard import to_jpeg
from keras_see.visualization.captions import image_captions, map_captions
from keras_see.visualization.map_drawing import HEAT, OVERLAY, MapStyle, color_bar, draw_maps, upper_limit
from keras_see.visualization.sheets import TILE, Column, as_tiles, sheet_of, tile_size

RNG = np.random.default_rng(5)


def contains(image, part):
    """Whether an image has this part somewhere, to the last bit."""
    image, part = np.asarray(image), np.asarray(part)
    rows, columns = np.nonzero((image[: -len(part) + 1, : -part.shape[1] + 1] == part[0, 0]).all(axis=-1))
    return any(
        np.array_equal(image[row : row + len(part), column : column + part.shape[1]], part)
        for row, column in zip(rows, columns, strict=True)
    )


def test_every_image_and_every_picture_is_on_the_sheet_unchanged():
    images = RNG.integers(0, 256, (5, TILE, TILE, 3), dtype="uint8")
    maps = RNG.random((5, 4, 4))
    pictures = {"Grad-CAM": overlay(images, maps), "CAM": overlay(images, maps, colors="inferno")}
    made = sheet(images, pictures, captions=[f"image {number}" for number in range(5)])
    for part in [*images, *pictures["Grad-CAM"], *pictures["CAM"]]:
        assert contains(made, part)


def test_small_images_are_enlarged_in_whole_pixels():
    images = RNG.integers(0, 256, (2, 28, 28, 1), dtype="uint8")
    enlarged = np.repeat(np.repeat(images, 6, axis=1), 6, axis=2)
    assert contains(sheet(images, {}), np.repeat(enlarged[0], 3, axis=-1))


def test_tiles_keep_the_shape_of_the_pictures():
    assert tile_size((28, 28)) == (168, 168)
    assert tile_size((224, 224)) == tile_size((96, 96)) == (TILE, TILE)
    assert tile_size((300, 600)) == (TILE // 2, TILE)
    assert tile_size((2000, 20)) == (TILE, 16)
    assert as_tiles(np.zeros((2, 300, 600, 3), "uint8")).shape == (2, 80, 160, 3)


def test_with_one_column_images_stand_side_by_side():
    images = np.zeros((8, TILE, TILE, 3), "uint8")
    one = sheet(images, {"a": images})
    three = sheet(images, {"a": images, "b": images, "c": images})
    assert one.width / TILE == pytest.approx(three.width / TILE, abs=0.2)
    assert one.height < 0.6 * three.height


def test_captions_change_only_what_is_below_the_images():
    images = np.full((1, TILE, TILE, 3), 90, "uint8")
    plain, right, wrong = (
        np.asarray(sheet(images, {}, captions=[[line]])) for line in ("a", ("a", True), ("a", False))
    )
    for made in (plain, right, wrong):
        assert contains(made, images[0])
    green, red = ((made != plain).any(axis=-1) for made in (right, wrong))
    below = np.flatnonzero((plain == 90).all(axis=-1).any(axis=1))[-1] + 1  # the row after the image
    assert green[below:].any()
    assert red[below:].any()
    assert not green[:below].any()
    assert not red[:below].any()
    bright = [made[changed & (made.max(axis=-1) > 150)].astype(int) for made, changed in ((right, green), (wrong, red))]
    assert (bright[0][:, 1] > bright[0][:, 0]).all()
    assert (bright[1][:, 0] > bright[1][:, 1]).all()
    assert not np.array_equal(right, wrong)


def test_a_line_that_is_neither_right_nor_wrong_has_no_mark():
    images = np.full((1, TILE, TILE, 3), 90, "uint8")
    assert sheet(images, {}, captions=[[("a", None)]]) == sheet(images, {}, captions=["a"])


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_text_is_eleven_pixels_high_on_a_card_of_tensorboard(columns):
    images = np.full((8, TILE, TILE, 3), 90, "uint8")
    columns = {str(number): images for number in range(columns)}
    plain, high = (np.asarray(sheet(images, columns, captions=[text] * 8)) for text in ("a", "lp"))
    rows = np.flatnonzero((high != plain).any(axis=(1, 2)))
    first = rows[: np.flatnonzero(np.diff(rows) > 20)[0] + 1]  # of the first row of captions
    assert (first[-1] - first[0] + 1) * 340 / high.shape[1] >= 10  # from the top of the l to the bottom of the p


@pytest.mark.parametrize(("count", "rows", "blocks"), [(3, 1, 3), (4, 1, 4), (5, 2, 3), (6, 2, 3), (8, 2, 4)])
def test_images_side_by_side_fill_their_rows_evenly(count, rows, blocks):
    made = sheet(np.zeros((count, TILE, TILE, 3), "uint8"), {})
    assert made.height // TILE == rows
    assert made.width // TILE == blocks


def test_texts_too_long_or_in_other_scripts_stay_in_their_cells():
    images = np.full((2, TILE, TILE, 3), 90, "uint8")
    made = np.asarray(sheet(images, {"b": images}, captions=["x" * 500, "žluťoučký 漢字 kůň"], footer="word " * 200))
    blank = (made == made[0, 0]).all(axis=-1)
    assert blank[:, :9].all()
    assert blank[:, -3:].all()


@pytest.mark.parametrize(
    ("given", "shown"),
    [("\U0001fbf0", "?"), ("a\nb", "a b"), ("\x07", "?")],
)
def test_what_no_font_draws_is_a_question_mark(given, shown):
    images = np.full((1, TILE, TILE, 3), 90, "uint8")
    np.testing.assert_array_equal(sheet(images, {}, captions=[given]), sheet(images, {}, captions=[shown]))


def test_narrow_pictures_leave_room_for_their_captions():
    images = np.full((2, 120, 12, 3), 90, "uint8")
    short, long = (np.asarray(sheet(images, {"a": images}, captions=[text] * 2)) for text in ("a cat", "a catalogue"))
    assert short.shape == long.shape
    assert (short != long).any()


@pytest.mark.parametrize(("count", "columns"), [(64, 3), (400, 3), (64, 1)])
def test_a_sheet_of_many_images_is_at_most_three_times_as_high_as_wide(count, columns):
    images = np.zeros((count, 64, 64, 3), "uint8")
    made = sheet(images, {str(number): images for number in range(columns)})
    assert made.height <= 3.1 * made.width
    assert max(made.size) < 65500  # the longest side of a JPEG


def test_a_column_must_hold_pictures():
    images = np.zeros((2, 8, 8, 3), "uint8")
    with pytest.raises(ValueError, match=r"shape \(n, height, width, 3\)\. Got an array of shape \(2, 8, 8\) for 'a'"):
        sheet(images, {"a": np.zeros((2, 8, 8))})


def test_a_stretched_range_is_noted_below_the_grid():
    images = RNG.normal(0, 50, (1, 64, 64, 3))
    assert sheet(images, {}).height > sheet(images, {}, display=(-150, 150)).height


def test_a_colour_bar_runs_from_the_weakest_to_the_strongest_colour():
    pictures = np.full((1, TILE, TILE, 3), 90, "uint8")
    made = np.asarray(sheet(pictures, [Column("a", pictures, [["c"]], (MapStyle("gray", over_picture=False), "1.5"))]))
    first = np.flatnonzero((made[:, : TILE + 10] == 90).all(axis=-1).any(axis=1))[0]  # row of the images
    header = made[:first, TILE + 18 :].astype(int)
    runs = [row[np.flatnonzero((row == 0).all(axis=-1))[0] :, 0] for row in header if (row == 0).all(axis=-1).any()]
    assert runs
    assert all((np.diff(shades[:40]) >= 0).all() and shades[40] > 50 for shades in runs)


@pytest.mark.parametrize(
    ("columns", "captions", "message"),
    [
        ({"a": np.zeros((3, 8, 8, 3), "uint8")}, None, r"`columns` must have one entry per image, 2 in all\. Got 3"),
        ({}, ["one"], r"`captions` must have one entry per image, 2 in all\. Got 1"),
    ],
)
def test_a_sheet_takes_one_entry_per_image(columns, captions, message):
    with pytest.raises(ValueError, match=message):
        sheet(np.zeros((2, 8, 8, 3), "uint8"), columns, captions=captions)


def test_a_sheet_of_pictures_is_the_sheet_of_the_images_they_were_made_of():
    images = RNG.integers(0, 256, (3, 64, 64, 3), dtype="uint8")
    captions = [["a"], [("b", True)], []]
    columns = [Column("c", images[::-1], [["d"], [], ["e", "f"]], (OVERLAY, "2.5"))]
    public = sheet(images / 255.0, columns, captions=captions, footer="foot", title="t")
    assert public == sheet_of(images, columns, captions, footer=["", "foot"], title="t")


def test_a_colour_bar_has_red_first():
    pictures = np.zeros((1, TILE, TILE, 3), "uint8")
    made = np.asarray(sheet_of(pictures, [Column("a", pictures, bar=(OVERLAY, "1"))]))
    colors = {tuple(color) for color in made[:60].reshape(-1, 3).tolist()}
    assert tuple(color_bar(OVERLAY, 2, 1)[0, 1].tolist()) in colors
    assert any(red > 90 and red > 2 * blue for red, _, blue in colors)


def test_an_encoded_sheet_is_a_jpeg_close_to_the_image():
    smooth = Image.fromarray(np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype("uint8"))
    with Image.open(io.BytesIO(to_jpeg(smooth))) as again:
        assert again.format == "JPEG"
        np.testing.assert_allclose(np.asarray(again), np.asarray(smooth), atol=8)


def test_in_steady_state_drawing_runs_only_the_files_that_draw():
    images, maps = RNG.integers(0, 256, (4, 64, 64, 3), dtype="uint8"), RNG.random((4, 4, 4))
    outputs = RNG.random((4, 3))

    def draw():
        limit = upper_limit(maps, "all")
        columns = [
            Column("a", draw_maps(images, maps, limit, OVERLAY), map_captions(maps, [0, 1, 2, -1], None)),
            Column("b", draw_maps(images, maps, limit, HEAT), (), (HEAT, "1")),
        ]
        sheet_of(images, columns, image_captions(outputs, None, [0, 1, 2, 0], None), footer=["foot"])

    draw()  # tables, font and the plugins of Pillow are loaded once
    files = set()
    before = sys.getprofile()
    sys.setprofile(lambda frame, *_: files.add(Path(frame.f_code.co_filename)))
    try:
        draw()
    finally:
        sys.setprofile(before)
    own = {file.stem for file in files if "keras_see" in file.parts and "tests" not in file.parts}
    assert own == {"captions", "map_drawing", "resizing", "sheets", "text"}


def test_many_columns_are_shown_below_each_other_at_the_width_of_a_card():
    images = RNG.integers(0, 256, (2, TILE, TILE, 3), dtype="uint8")
    columns = [Column(f"method {number}", RNG.integers(0, 256, images.shape, dtype="uint8")) for number in range(5)]
    made, few = sheet_of(images, columns, footer=["foot"]), sheet_of(images, columns[:3])
    assert made.width == few.width
    assert all(contains(made, picture) for column in columns for picture in column.pictures)
