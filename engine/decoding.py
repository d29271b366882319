"""JSON in files: one way to decode it, with bounds that keep later arithmetic and paths safe.

A decoded value has the declared types and lies within their bounds; anything else raises one error.
Encoding does not check the bounds, which are far above the figures of any training.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A whole number that every JSON reader represents exactly."""
Ordinal = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Figure = Annotated[float, msgspec.Meta(ge=-1e100, le=1e100)]
"""Far beyond any float32, while sums, squares and differences stay finite."""
Length = Annotated[float, msgspec.Meta(ge=0, le=1e100)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
Word = Annotated[str, msgspec.Meta(max_length=1_000)]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]
PathText = Annotated[str, msgspec.Meta(max_length=4_096, pattern=r"\A[^\x00]*\Z")]
RunName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}\Z")]
"""A name that :func:`cnn_tui.engine.runs.names.check_name` accepts, as it is used as a path."""
RunNameOrNone = Annotated[str, msgspec.Meta(pattern=r"\A([A-Za-z0-9_-][A-Za-z0-9._-]{0,63})?\Z")]

_encoder = msgspec.json.Encoder()
_MOST_WORDS = 300


class UnreadableError(ValueError):
    """Content of the wrong type or outside its bounds; the message gives the reason."""


def event_tag(name: str) -> str:
    """The tag in JSON of a class of events: ``BatchCompleted`` as ``batch_completed``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def decode(content: bytes | str, target: type[T]) -> T:
    """Decode a JSON text to a value of the type ``target``.

    Raises:
        UnreadableError: if the text is not JSON of this type, or a value is outside its bounds.
    """
    value: T = reader(target)(content)  # type: ignore[arg-type]
    return value


def _reason(error: Exception) -> str:
    """Msgspec's message, with the patterns of names in words."""
    name = "a name of letters, digits, dots, dashes and underscores"
    return re.sub(r"`str` matching regex '.*'", name, str(error))[:_MOST_WORDS]


@cache
def reader(target: Any) -> Callable[[bytes | str], Any]:
    """A :func:`decode` for many texts of one type."""
    decode_json = msgspec.json.Decoder(target).decode

    def read(content: bytes | str) -> Any:
        try:
            return decode_json(content)
        except RecursionError:
            raise UnreadableError("it is nested too deeply") from None
        except (msgspec.DecodeError, ValueError, OverflowError) as error:
            raise UnreadableError(_reason(error)) from None

    return read


def encode(value: Any) -> bytes:
    r"""Encode a value as JSON; a byte of a file name that is not UTF-8 is written as ``\udcff``."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(msgspec.to_builtins(value)))


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {name: _without_surrogates(item) for name, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value


def convert(value: Any, target: Any) -> Any:
    """Convert plain JSON data, such as dicts and lists, to a value of the type ``target``.

    Raises:
        UnreadableError: if the data is not of this type, or a value is outside its bounds.
    """
    try:
        return msgspec.convert(value, target)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(_reason(error)) from None
