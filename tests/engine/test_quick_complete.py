"""Completions of quick entry, and what is understood of a wrong line."""

from __future__ import annotations

import pytest

from cnn_tui.engine.errors import EntryError
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.quick.complete import complete
from cnn_tui.engine.specs.quick.parse import parse_quick, parse_understood
from cnn_tui.engine.specs.quick.write import to_quick


def words(text: str) -> list[str]:
    return [one.text for one in complete(text, len(text))]


@pytest.mark.parametrize(
    ("text", "offered", "others"),
    [
        ("", {"conv", "maxpool", "fc", "residual"}, {"stride", "|"}),
        ("co", {"conv"}, {"maxpool"}),
        ("po", {"maxpool"}, {"conv", "pool"}),
        ("relu | d", {"dropout"}, {"conv", "drop"}),
        ("conv ", {"16", "stride", "pad"}, {"3x3", "proj"}),
        ("conv 32 ", {"3x3", "stride", "same", "nobias", "|"}, {"16", "maxpool"}),
        ("conv32 s2 ", {"3x3", "pad"}, {"stride", "16"}),
        ("conv 32 3x3 pad same ", {"stride", "groups"}, {"pad", "same", "kernel"}),
        ("conv 32 pad ", {"same", "1"}, {"stride", "conv"}),
        ("conv 32 p", {"pad", "maxpool"}, {"conv"}),
        ("conv 32 re", {"relu", "residual"}, {"conv"}),
        ("res { ", {"conv", "batchnorm"}, {"proj"}),
        ("res { conv 8 } ", {"proj", "zero-pad", "stride"}, {"pad"}),
        ("res { conv 8 } proj ", {"stride"}, {"proj", "zero-pad"}),
        ("fc 10 | $$ ", {"conv"}, {"stride"}),
    ],
)
def test_completions_follow_the_line(text: str, offered: set[str], others: set[str]):
    assert offered <= set(words(text))
    assert not others & set(words(text))


def test_a_completion_stands_in_for_the_word_before_the_cursor():
    text = "conv 32 | po | fc 10"
    (one,) = complete(text, len("conv 32 | po"))
    assert text[: one.start] + one.text + text[one.end :] == "conv 32 | maxpool | fc 10"
    assert one.meaning


@pytest.mark.parametrize("name", preset_names())
def test_every_word_of_a_preset_is_known_to_the_completions(name: str):
    line = to_quick(load_preset(name).layers)
    for at, word in enumerate(line.split()[:60]):
        if word.isalpha() and word not in ("pad", "same"):
            before = " ".join(line.split()[:at])
            assert word in words(f"{before} {word[:1]}"), (before, word)


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("conv 32 3x3 | rel", "conv 32 3x3"),
        ("conv 32 3x", "conv 32 3x3"),
        ("Conv2D(32, ", ""),
        ("conv 8 3x3 | Conv2D(32, 3", "conv 8 3x3"),
        ("conv 8 3x3 | Bilinear(32, 3)", "conv 8 3x3"),
        (
            "fire 16 64 | fire 16",
            "conv 16 1x1 | relu | parallel { conv 64 1x1 | relu } { conv 64 3x3 p1 | relu }",
        ),
        ("conv3-64", ""),
        ("pool(3", ""),
        ("conv 8 3x3 | relu | pool(3", "conv 8 3x3 | relu"),
        ("conv 8 3x3 | pool 2 | (", "conv 8 3x3 | maxpool 2x2"),
        ("conv 8 3x3 | res { conv 16 pa", "conv 8 3x3"),
        ("relu | fc", "relu"),
        ("relu | conv s2 pad wide", "relu"),
    ],
)
def test_of_a_wrong_line_only_what_is_understood_is_taken(text: str, understood: str) -> None:
    layers, error, _ = parse_understood(text)
    assert to_quick(layers) == understood
    assert error is not None
    with pytest.raises(EntryError):
        parse_quick(text)
