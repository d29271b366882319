"""Pictures as text: colours, signs and sizes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture, fitted, lines_of, style_of
from cnn_tui.tui.terminal.palettes import rising, signed

LUMA = np.array([0.299, 0.587, 0.114])


def plain(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_half_blocks_show_two_rows_a_line() -> None:
    image = np.zeros((3, 4, 2), np.uint8)
    image[0, 0, 0], image[2, 3, 1] = 255, 9
    lines = lines_of(Picture(image), "blocks")
    assert plain(lines) == ["▀▀", "▀▀"]
    assert lines[0][0] == ("▀", "#ff0000/#000000")
    assert lines[1][-1] == ("▀", "#000000/#000009")


def test_below_an_odd_row_is_the_ground_of_the_terminal() -> None:
    lines = lines_of(Picture(np.full((1, 3, 1), 7, np.uint8)), "blocks")
    assert plain(lines) == ["▀", "▀"] and lines[-1] == (("▀", "#070707/"),)
    style = style_of("#070707/")
    assert style is not None and style.bgcolor is None


def test_shades_are_as_large_and_ascii() -> None:
    image = np.zeros((1, 3, 4), np.uint8)
    image[0, :2, 1:], image[0, 0, 3] = 255, 0
    assert plain(lines_of(Picture(image), "ascii")) == [" @@=", "    "]


def test_zero_is_neutral_and_both_signs_are_equally_light() -> None:
    minus, low, zero, high, plus = signed(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 2.0)
    assert len(set(zero.tolist())) == 1
    assert minus[2] > minus[0] and plus[0] > plus[2]
    assert abs(LUMA @ minus - LUMA @ plus) < 12 and abs(LUMA @ low - LUMA @ high) < 12
    beyond = signed(np.array([-9.0, 9.0, np.nan, np.inf]), 2.0)
    np.testing.assert_array_equal(beyond, [minus, plus, zero, zero])


def test_maps_grow_lighter_with_their_numbers() -> None:
    light = rising(np.linspace(0, 3, 50), 3.0) @ LUMA
    assert (np.diff(light) > 0).all()


@pytest.mark.parametrize("form", ["glyphs", "ascii"])
def test_the_glyph_tells_the_sign(form: Literal["glyphs", "ascii"]) -> None:
    values = np.array([[[-1.0, -0.3, 0.0, 0.3, 1.0]] * 2])
    (line,) = plain(lines_of(Picture(values, "signed", 1.0), form))
    assert line[:2] == "=-" and line[3:] == "+#" and line[2] in "·."
    assert line.isascii() is (form == "ascii")


def test_all_forms_have_the_same_size() -> None:
    values = np.random.default_rng(0).normal(size=(1, 7, 5))
    for kind in ("signed", "map"):
        sizes = {
            tuple(map(len, plain(lines_of(Picture(values, kind, 1.0), form))))
            for form in ("blocks", "glyphs", "ascii")
        }
        assert sizes == {(5,) * 4}


def test_weights_of_three_channels_are_in_colour_around_grey() -> None:
    weights = np.zeros((3, 2, 1))
    weights[0], weights[2, 0] = 0.5, -0.5
    ((_, role),) = lines_of(Picture(weights, "signed", 0.5), "blocks")[0]
    assert role == "#ff8000/#ff8080"


def test_pictures_fit_the_side_whatever_their_size() -> None:
    image = np.arange(3 * 48 * 32, dtype=np.uint16).reshape(3, 48, 32).astype(np.uint8)
    small = fitted(image, 16)
    assert small.shape == (3, 16, 11)
    assert fitted(image, 12).shape == (3, 12, 8)
    assert fitted(image, 12)[1, 0, 0] == np.rint(image[1, :4, :4].mean())
    assert abs(small.mean() - image.mean()) < 1
    np.testing.assert_array_equal(fitted(image, 50), image)
    np.testing.assert_array_equal(fitted(image, 96)[:, ::2, 1::2], image)
    assert fitted(image[:, :1], 8).shape == (3, 1, 8)


@pytest.mark.parametrize("form", ["glyphs", "ascii"])
def test_marked_pixels_have_glyphs_of_their_own(form: Literal["glyphs", "ascii"]) -> None:
    grey = np.array([[0, 255, 0, 255]] * 2, float).repeat(1, 0)[None].repeat(3, 0)
    grey[:, :, 2:] = (grey[:, :, 2:] + np.array((255, 150, 50))[:, None, None]) / 2
    picture = Picture(grey.astype(np.uint8), "marked")
    (line,) = plain(lines_of(picture, form))
    assert (
        line[2:] == "xX"
        and line[:2] == plain(lines_of(picture._replace(kind="image"), form))[0][:2]
    )
    assert lines_of(picture, form)[0][-1][1] == "#ffff55/"
