"""Invalid values for every field of a type, generated from the type alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import msgspec.inspect as types

from cnn_tui.engine.decoding import UnreadableError, decode

DEEP = 20_000
VALUES = (
    "null", "true", "-1", "0", "1", "0.5", str(2**53), str(2**53 + 1), "9" * 5_000,
    "1e10", "1e15", "1e100", "-1e100", "1e308", "-1e308", "1e400", "NaN",
    '""', '"x"', '"../../../etc"', '"/etc/passwd"', '"a/b"', '"\\u0000"', '"\\u001b]0;x\\u0007"',
    '"\\ud800"', f'"{"x" * 100_001}"', "[]", "{}", "[null]", "[1e308,-1e308]", '{"":null}',
    "[" * DEEP + "]" * DEEP,
)  # fmt: skip
"""As JSON, which some of them are not. Some are the last that is allowed."""
WHOLE = (
    b"", b"\0" * 5_000, b"{", b"null", b"0", b"[]", b"{}", b'"x"', b"\xff\xfe{}", b"[" * DEEP,
    b'{"a":' * DEEP, b"9" * 5_000, b"{}" * 2,
)  # fmt: skip
"""Contents that are not even one of its kind."""
_MARK = "here it goes"


def mutants(kind: type[msgspec.Struct], real: bytes = b"{}") -> Iterator[bytes]:
    """JSON texts of a type, each odd in one place or in all, cut off or nothing of its kind.

    Where there is a ``real`` text, its values are in all other places.
    """
    whole = sample(types.type_info(kind))
    whole |= {name: value for name, value in msgspec.json.decode(real).items() if value}
    for place in _places(whole):
        yield from (_put(whole, [place], value) for value in VALUES)
    text = msgspec.json.encode(whole)
    assert decodes(text, kind), "what is odd in one place must be sound in all others"
    yield from (*odd(kind), text, text[: len(text) // 2], text + text, *WHOLE)


def odd(kind: type[msgspec.Struct]) -> Iterator[bytes]:
    """Readable JSON texts with a given value in every field that accepts it."""
    whole = sample(types.type_info(kind))
    for value in VALUES:
        takes = [one for one in _places(whole) if decodes(_put(whole, [one], value), kind)]
        # A list and what is in it cannot both be replaced.
        inner = [one for one in takes if not any(one[: len(it)] == it != one for it in takes)]
        text = _put(whole, inner, value)
        if inner and decodes(text, kind):
            yield text


def decodes(content: bytes, kind: type[msgspec.Struct]) -> bool:
    """Whether a text decodes as this type."""
    with contextlib.suppress(UnreadableError):
        decode(content, kind)
        return True
    return False


def _put(whole: Any, places: Iterable[tuple[Any, ...]], value: str) -> bytes:
    for place in places:
        whole = _with(whole, place, _MARK)
    text = msgspec.json.encode(whole).decode().replace(f'"{_MARK}"', value)
    return text.encode("utf-8", "surrogatepass")


def sample(info: types.Type) -> Any:
    """A value of a type with every field and one item in every list."""
    match info:
        case types.StructType():
            tag = {info.tag_field: info.tag} if info.tag_field else {}
            return tag | {field.encode_name: sample(field.type) for field in info.fields}
        case types.UnionType():
            # A whole number will do for any number.
            choices = sorted(info.types, key=lambda one: not isinstance(one, types.IntType))
            return sample(next(one for one in choices if one != types.NoneType()))
        case types.Metadata():
            return sample(info.type)
        case types.LiteralType():
            return info.values[0]
        case types.VarTupleType() | types.ListType():
            return [sample(info.item_type)]
        case types.TupleType():
            return [sample(one) for one in info.item_types]
        case types.DictType():
            return {sample(info.key_type): sample(info.value_type)}
    return {types.StrType: "a", types.IntType: 1, types.FloatType: 0.5}.get(type(info), True)


def _places(value: Any) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (key,)
        if isinstance(item, dict | list):
            yield from ((key, *rest) for rest in _places(item))


def _with(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _with(copy[place[0]], place[1:], new)
    return copy
