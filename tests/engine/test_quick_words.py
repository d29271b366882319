"""The words that are offered while a line is typed, with what they mean."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.layers import LAYER_TYPES, Conv, ReLU
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.specs.quick.complete import complete
from cnn_tui.engine.specs.quick.vocabulary import by_word, settings_of, shown_word

LAYERS = "<layers>"


def offered(text: str) -> list[str]:
    """The words for the end of a text, all layers as one."""
    words = [one.text for one in complete(text, len(text))]
    return [*words[: words.index("conv")], LAYERS] if "conv" in words else words


SETTINGS = ["stride", "pad", "dilation", "groups", "as"]
FLAGS = ["same", "nobias", "floor", "exact", "|"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", [LAYERS]),
        ("conv ", ["16", "32", "64", "filters", "kernel", *SETTINGS, *FLAGS]),
        ("conv32 ", ["3x3", "5x5", "1x1", "kernel", *SETTINGS, *FLAGS]),
        ("conv 32 3x3 ", ["stride", "pad", "dilation", "groups", "as", *FLAGS]),
        ("conv 32 3x3 s2 stride ", ["2"]),
        ("conv 32 3x3 s2 d2 ", ["pad", "groups", "as", *FLAGS]),
        ("conv 32 3x3 stride 2 d2 ", ["pad", "groups", "as", *FLAGS]),
        (
            "conv 32 3x3 same nobias ",
            ["stride", "dilation", "groups", "as", "floor", "exact", "|"],
        ),
        ("conv 32 name ", []),
        ("conv 32 as first ", ["3x3", "5x5", "1x1", "kernel", "stride", "pad", "dilation",
                               "groups", *FLAGS]),
        ("conv 32 x ", ["3x3", "5x5", "1x1", "kernel", "stride", "pad", "dilation", "groups",
                        "as", *FLAGS]),
        ("conv 32 v2 ", ["3x3", "5x5", "1x1", "kernel", "stride", "pad", "dilation", "groups",
                        "as", *FLAGS]),
        ("conv 32 | ", [LAYERS]),
        ("conv 32 | x ", [LAYERS]),
        ("relu | Conv2d(3, 8, 3) ", [LAYERS]),
        ("res { ", [LAYERS]),
        ("res { conv 8 } ", ["stride", "as", "proj", "zero-pad", "identity", "|"]),
        ("res { conv 8 }} ", [LAYERS]),
        ("relu ", ["as", "|"]),
    ],
)  # fmt: skip
def test_what_may_come_next(text: str, words: list[str]) -> None:
    assert offered(text) == words


def test_what_the_words_mean() -> None:
    meanings = {one.text: one.meaning for text in ("conv ", "") for one in complete(text, 9)}
    assert meanings.items() >= {
        ("16", "out channels"),
        ("filters", "out channels, such as 16"),
        ("groups", "groups"),
        ("same", "padding same"),
        ("nobias", "without bias"),
        ("|", "the next layer"),
        ("pwconv", "conv with kernel size 1"),
        ("fire", "SqueezeNet: SQUEEZE EXPAND"),
        ("relu", ReLU.info.meaning),
    }


def test_which_characters_are_replaced() -> None:
    assert {one[1:3] for one in complete("conv", -1)} == {(0, 0)}
    assert {one[1:3] for one in complete("relu | co", 9)} == {(7, 9)}
    assert {one[1:3] for one in complete("relu | co", 99)} == {(7, 9)}
    assert {one[1:3] for one in complete("relu | con", 8)} == {(7, 8)}
    assert complete(" " * (MAX_FILE_BYTES + 9), MAX_FILE_BYTES + 9)


def test_a_whole_word_is_offered_no_more() -> None:
    assert "conv" not in [one.text for one in complete("conv", 4)]
    assert "conv" in [one.text for one in complete("CON", 3)]


def test_the_settings_of_a_layer_end_with_its_name() -> None:
    fields = [setting.field for setting in settings_of(Conv)]
    assert fields == [
        "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "name",
    ]  # fmt: skip
    lrn = [(setting.field, setting.words) for setting in settings_of(LAYER_TYPES["lrn"])]
    assert lrn[1:] == [
        ("alpha", ("alpha",)), ("beta", ("beta",)), ("k", ("k",)), ("name", ("as", "name")),
    ]  # fmt: skip
    assert settings_of(Conv) is settings_of(Conv) and by_word(Conv) is by_word(Conv)
    assert [shown_word(word) for word in ("c", "DENSE", "stride")] == ["conv", "fc", "stride"]
