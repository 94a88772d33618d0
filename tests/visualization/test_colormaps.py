import numpy as np
import pytest

from keras_see import overlay
from keras_see.visualization.colormaps import NAMES, STEPS, color_table

VALUES = np.linspace(0, 1, STEPS + 1)

# Polynomials, constant first, that others have fitted to the original tables: turbo by Mikhailov (2019, with its
# publication; it strays most at the ends), the others by Zucker (2019, CC0).
FITS = {
    "turbo": [
        (0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943),
        (0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604),
        (0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973),
    ],
    "viridis": [
        (0.27772733, 0.10509304, -0.33086183, -4.63423050, 6.22826994, 4.77638500, -5.43545586),
        (0.00540734, 1.40461353, 0.21484756, -5.79910097, 14.17993337, -13.74514538, 4.64585261),
        (0.33409981, 1.38459016, 0.09509516, -19.33244096, 56.69055260, -65.35303263, 26.31243525),
    ],
    "magma": [
        (-0.00213649, 0.25166054, 8.35371728, -27.66873309, 52.17613981, -50.76852536, 18.65570507),
        (-0.00074966, 0.67752324, -3.57771951, 14.26473078, -27.94360607, 29.04658282, -11.48977352),
        (-0.00538613, 2.49402660, 0.31446790, -13.64921319, 12.94416944, 4.23415299, -5.60196151),
    ],
    "inferno": [
        (0.00021894, 0.10651342, 11.60249308, -41.70399613, 77.16293570, -71.31942824, 25.13112622),
        (0.00165100, 0.56395644, -3.97285397, 17.43639888, -33.40235894, 32.62606426, -12.24266895),
        (-0.01948090, 3.93271239, -15.94239411, 44.35414520, -81.80730926, 73.20951986, -23.07032500),
    ],
    "gray": [(0.0, 1.0)] * 3,
}


@pytest.mark.parametrize("name", NAMES)
def test_colours_are_those_of_the_original_maps(name):
    used = VALUES * (0.9 if name == "turbo" else 1)  # what follows is dark
    expected = np.stack([np.polynomial.polynomial.polyval(used, fit) for fit in FITS[name]], axis=-1)
    difference = np.abs(color_table(name) / 255 - expected)
    assert difference.mean() < 0.025
    assert difference.max() < (0.13 if name == "turbo" else 0.06)


@pytest.mark.parametrize("name", ["inferno", "magma", "viridis", "gray"])
def test_higher_values_are_brighter(name):
    luminance = color_table(name) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


# The first and the last colour as the authors of the maps published them.
ENDS = {
    "inferno": ((0, 0, 4), (252, 255, 164)),
    "magma": ((0, 0, 4), (252, 253, 191)),
    "viridis": ((68, 1, 84), (253, 231, 37)),
    "turbo": ((48, 18, 59), (192, 37, 3)),  # of the original map the end is (122, 4, 3)
    "gray": ((0, 0, 0), (255, 255, 255)),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_ends_are_the_published_colours(name):
    assert tuple(tuple(np.rint(color_table(name)[end])) for end in (0, -1)) == ENDS[name]


def test_gray_is_linear():
    np.testing.assert_allclose(color_table("gray"), 255 * VALUES[:, None] + np.zeros(3), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_nearest_entry_is_within_a_quarter_of_a_level_of_the_interpolated_colour(name):
    assert np.abs(np.diff(color_table(name), axis=0)).max() <= 0.5


def test_a_table_is_made_once_and_cannot_be_changed():
    assert color_table("turbo") is color_table("turbo")
    with pytest.raises(ValueError, match="read-only"):
        color_table("turbo")[0] = 0


@pytest.mark.parametrize("name", ["jet", ["turbo"], 7])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"one of inferno, magma, viridis, turbo, gray\. Got "):
        overlay(np.zeros((1, 4, 4, 3)), np.zeros((1, 2, 2)), colors=name)
