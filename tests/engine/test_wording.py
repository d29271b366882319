"""Values, types and lists of words as messages show them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.pooling import MaxPool
from cnn_tui.engine.specs.shaping import Pad
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import (
    did_you_mean,
    expected,
    file_size,
    listed,
    nearest,
    plain,
    show,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "an integer of 65 bits"),
        (0.5, "0.5"),
        ("x" * 40, f"'{'x' * 40}'"),
        ("x" * 41, f"'{'x' * 40}...'"),
        ("\x1b[2J", r"'\x1b[2J'"),
        ({"a": 1}, "a table"),
        ([1, "a", True, 2], "[1, 'a', true, 2]"),
        ([1, 2, 3, 4, 5], "a list of 5"),
        ([1, [2]], "a list of 2"),
        ((), "[]"),
        (datetime.date(2020, 1, 2), "a date or time"),
        (datetime.time(3), "a date or time"),
        (b"", "a bytes"),
    ],
)
def test_a_value_is_short_and_on_one_line(value: object, shown: str) -> None:
    assert show(value) == shown


def test_similar_words_the_nearest_first() -> None:
    known = ["Momentum", "adam", "adamw"]
    assert nearest("ADAM", known, 2) == ["adam", "adamw"]
    assert nearest("momentun", known) == ["Momentum"]
    assert nearest("adam", known) == ["adam"], "one, if no more are asked for"
    assert nearest(3, known) == nearest("zzz", known) == []
    assert did_you_mean("adm", known) == "Did you mean adam?"
    assert did_you_mean("zzz", known, "Others.") == "Others."


def test_a_list_of_words() -> None:
    assert listed("a") == "a"
    assert listed("ab") == "a or b"
    assert listed(iter("abc"), "and") == "a, b and c"


TYPES: dict[str, str] = {
    "epochs": "a whole number from 1 to 100000",
    "seed": "a whole number from 0 below 9007199254740992",
    "lr": "a number above 0 up to 1000000",
    "momentum": "a number from 0 below 1",
    "betas": "a list of 2 numbers",
    "patience": "a whole number from 1 to 100000",
    "normalize": "true or false",
    "last_batch": '"drop", "keep" or "merge"',
    "freeze": "a name of at most 64 letters, digits, dots, dashes and underscores",
}


@pytest.mark.parametrize("name", TYPES)
def test_what_a_setting_expects(name: str) -> None:
    assert expected(fields_of(Recipe)[name].type) == TYPES[name]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (fields_of(Network)["data"].type, "text of at most 200 characters"),
        (fields_of(Network)["classes"].type, "a list"),
        (
            fields_of(Pad)["padding"].type,
            "a whole number from 0 to 512, or four of them, [left, right, top, bottom]",
        ),
        (
            fields_of(MaxPool)["kernel_size"].type,
            "a whole number from 1 to 1024, or a pair of them, [height, width]",
        ),
        (str, "text"),
        (Recipe, "a table"),
    ],
)
def test_what_other_places_expect(annotation: Any, words: str) -> None:
    assert expected(annotation) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 MB"),
        (1_500_000, "2 MB"),
        (2_500_000, "2 MB"),
        (999_999_999, "1,000 MB"),
        (10**9, "1.0 GB"),
        (1_250_000_000, "1.2 GB"),
        (10**18, "1,000,000,000.0 GB"),
    ],
)
def test_sizes_of_files(size: int, words: str) -> None:
    assert file_size(size) == words


def test_untrusted_text_keeps_to_its_line() -> None:
    assert plain("a\x1b[2J\nb c") == r"a\x1b[2J\nb c"
