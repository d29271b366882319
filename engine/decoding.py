"""JSON from a file: decoded in one way, with bounds that keep later arithmetic and paths safe.

Whoever reads such a file can rely on its types and their bounds, and has one error to expect.
Encoding does not look at the bounds; they are far above all that a training comes to.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""What every reader of JSON can hold exactly."""
Ordinal = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Figure = Annotated[float, msgspec.Meta(ge=-1e100, le=1e100)]
"""Far beyond what float32 arrays come to, and sums, squares and differences stay finite."""
Length = Annotated[float, msgspec.Meta(ge=0, le=1e100)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
Word = Annotated[str, msgspec.Meta(max_length=1_000)]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]
PathText = Annotated[str, msgspec.Meta(max_length=4_096, pattern=r"\A[^\x00]*\Z")]
RunName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}\Z")]
"""What :func:`cnn_tui.engine.runs.names.check_name` takes: it is used as a path."""
RunNameOrNone = Annotated[str, msgspec.Meta(pattern=r"\A([A-Za-z0-9_-][A-Za-z0-9._-]{0,63})?\Z")]

_encoder = msgspec.json.Encoder()
_MOST_WORDS = 300


class UnreadableError(ValueError):
    """Content that is not what it should be; its text says why."""


def decode(content: bytes | str, kind: type[T]) -> T:
    """The value that a JSON text stands for.

    Raises:
        UnreadableError: if it stands for none, or one of another kind or beyond its bounds.
    """
    found: T = reader(kind)(content)  # type: ignore[arg-type]
    return found


@cache
def reader(kind: Any) -> Callable[[bytes | str], Any]:
    """A :func:`decode` of one kind, for many texts."""
    take = msgspec.json.Decoder(kind).decode

    def read(content: bytes | str) -> Any:
        try:
            return take(content)
        except RecursionError:
            raise UnreadableError("it is nested too deeply") from None
        except (msgspec.DecodeError, ValueError, OverflowError) as error:
            raise UnreadableError(str(error)[:_MOST_WORDS]) from None

    return read


def encode(value: Any) -> bytes:
    r"""JSON of a value; bytes of a file name that are not UTF-8 are written as ``\udcff``."""
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


def convert(value: Any, kind: Any) -> Any:
    """A value of another kind, made of what JSON can hold.

    Raises:
        UnreadableError: if it is not of that kind, or beyond its bounds.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(str(error)[:_MOST_WORDS]) from None
