"""Decoding of JSON from files, with bounds that keep later arithmetic and paths safe.

Readers can rely on the types and bounds, and have one error to handle. Encoding does not check the
bounds, which are far above every value of a training.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""The whole numbers that every reader of JSON represents exactly."""
Ordinal = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Figure = Annotated[float, msgspec.Meta(ge=-1e100, le=1e100)]
"""Far beyond the range of float32, and small enough that sums, squares, differences are finite."""
Length = Annotated[float, msgspec.Meta(ge=0, le=1e100)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
Word = Annotated[str, msgspec.Meta(max_length=1_000)]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]
PathText = Annotated[str, msgspec.Meta(max_length=4_096, pattern=r"\A[^\x00]*\Z")]
RunName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}\Z")]
"""A name that :func:`cnn_tui.engine.runs.names.check_name` accepts; it is used as a path."""
RunNameOrNone = Annotated[str, msgspec.Meta(pattern=r"\A([A-Za-z0-9_-][A-Za-z0-9._-]{0,63})?\Z")]

_MOST_WORDS = 300


class UnreadableError(ValueError):
    """Content that is not valid; the message gives the reason."""


def decode(content: bytes | str, kind: type[T]) -> T:
    """The value of type ``kind`` that a JSON text encodes.

    Raises:
        UnreadableError: if the text is no JSON, or its value has another type or is out of bounds.
    """
    value: T = reader(kind)(content)  # type: ignore[arg-type]
    return value


@cache
def reader(kind: Any) -> Callable[[bytes | str], Any]:
    """A function like :func:`decode` for many texts of one type."""
    decode_json = msgspec.json.Decoder(kind).decode

    def read(content: bytes | str) -> Any:
        try:
            return decode_json(content)
        except RecursionError:
            raise UnreadableError("it is nested too deeply") from None
        except (msgspec.DecodeError, ValueError, OverflowError) as error:
            raise UnreadableError(str(error)[:_MOST_WORDS]) from None

    return read


def convert(value: Any, kind: Any) -> Any:
    """The value of type ``kind`` from decoded JSON: dicts, lists, strings and numbers.

    Raises:
        UnreadableError: if ``value`` has another type or is out of bounds.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(str(error)[:_MOST_WORDS]) from None
