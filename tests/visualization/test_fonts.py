import logging

import numpy as np
import pytest
from PIL import Image, ImageDraw

import keras_see
from keras_see.visualization.text import NOTO_SANS, SUBSTITUTE, Font, shortened, wrapped


def picture(text, size=22, file=None):
    image = Image.new("RGB", (400, 40))
    Font(size, file).draw(ImageDraw.Draw(image), (0, 0), text, "white")
    return np.asarray(image)


@pytest.mark.parametrize("text", ["собака", "Ελληνικά", "Spätzle", "façade", "Łódź", "…", "−"])
def test_latin_greek_and_cyrillic_are_drawn(text, caplog):
    drawn = picture(text)
    assert not np.array_equal(drawn, picture(SUBSTITUTE * len(text)))
    assert drawn.any()
    assert caplog.messages == []


def test_letters_that_look_different_are_drawn_differently():
    drawn = [picture(letter).tobytes() for letter in "абвгдежзиклмнопрстуфхцчшщъыьэюя"]
    assert len(set(drawn)) == len(drawn)


def test_a_character_that_no_font_has_is_told_once(caplog):
    with caplog.at_level(logging.WARNING, "keras_see"):
        assert np.array_equal(picture("a\U0001fbf0"), picture("a" + SUBSTITUTE))
        picture("\U0001fbf0")
    assert caplog.text.count("U+1FBF0") == 1


def test_the_width_is_that_of_what_is_drawn():
    for text in ("a cat", "собака", "WWWWiiii"):
        columns = np.flatnonzero(picture(text).any(axis=(0, 2)))
        assert abs(columns[-1] - Font(22).width(text)) < 4


def test_long_texts_are_measured_in_linear_time():
    calls = []

    class Counting(Font):
        def advance(self, character):
            calls.append(character)
            return super().advance(character)

    counts = []
    for length in (1000, 2000):
        calls.clear()
        shortened("x" * length, 100, Counting(13))
        wrapped("x" * length, 100, Counting(13), 2)
        counts.append(len(calls))
    assert counts[1] < 2.2 * counts[0]


OWN = str(NOTO_SANS.with_name(NOTO_SANS.name.replace("NotoSans", "NotoSans-Italic")))


def test_a_font_of_the_users_own_comes_first():
    assert not np.array_equal(picture("word", file=OWN), picture("word"))
    columns = np.flatnonzero(picture("WWWWiiii", file=OWN).any(axis=(0, 2)))
    assert abs(columns[-1] - Font(22, OWN).width("WWWWiiii")) < 4
    assert Font(22, OWN).width("WWWWiiii") != Font(22).width("WWWWiiii")


def test_a_sheet_is_drawn_in_the_font_that_is_given():
    images = np.zeros((1, 64, 64, 3))
    plain, same, other = (
        np.asarray(keras_see.sheet(images, {}, captions=["some words"], font=font)) for font in (None, NOTO_SANS, OWN)
    )
    np.testing.assert_array_equal(plain, same)
    assert not np.array_equal(plain, other)


def test_the_line_about_a_character_that_no_font_has_names_the_way_out(caplog):
    picture("\U0001fbf1")
    assert "Pass font= with the path of a font that has it" in caplog.text
