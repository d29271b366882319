"""Expressions of Python sources that are understood without being run."""

from __future__ import annotations

import ast

import pytest

from cnn_tui.engine.importing.literals import NotLiteralError, constants, value_of

NAMES: dict[str, object] = {"width": 8, "self.deep": True, "nothing": None}


def value(text: str) -> object:
    return value_of(ast.parse(text, mode="eval").body, NAMES)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("width * 2 - 1", 15),
        ("width // 3", 2),
        ("width / 4", 2.0),
        ("-width", -8),
        ("int(width / 3)", 2),
        ("[width, (1, 'a')]", (8, (1, "a"))),
        ("16 if self.deep else 4", 16),
        ("16 if not self.deep else 4", 4),
        ("width < 8", False),
        ("width <= 8", True),
        ("width > 7.5", True),
        ("width >= 9", False),
        ("width == 8 and width != 9", True),
        ("nothing is None or width", True),
        ("width is not None", True),
    ],
)
def test_what_is_understood(text: str, result: object) -> None:
    assert value(text) == result and type(value(text)) is type(result)


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "other.deep",
        "width ** 2",
        "width / 0",
        "width // 0",
        "'a' + 'b'",
        "-'a'",
        "True + 1",
        "width < 'a'",
        "1 < width < 9",
        "width is 8",
        "width in (8,)",
        "int(1e300)",
        "1e300 * 1e300",
        "open('x')",
    ],
)
def test_what_is_not(text: str) -> None:
    with pytest.raises(NotLiteralError):
        value(text)


def test_a_variable_that_is_assigned_twice_has_no_value() -> None:
    source = "a = 4\nb: int = a * 2\nc = 1\nc = 2\nd = open('x')\ne: int\nprint(a)\n"
    assert constants(ast.parse(source)) == {"a": 4, "b": 8}
