"""JSON that is safe to look at on a terminal, whatever its texts came from."""

from __future__ import annotations

import json
import math
import re

import msgspec

_STEERS = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is and a terminal does not: C1 controls, line ends, directions."""


def to_json(value: object) -> str:
    """``value`` as one line; numbers that are not finite become null."""
    return _STEERS.sub(_escaped, _encoded(value))


def _encoded(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        # A file name that is no UTF-8 has lone surrogates, which msgspec refuses.
        return json.dumps(_finite(msgspec.to_builtins(value)), separators=(",", ":"))


def _finite(value: object) -> object:
    match value:
        case dict():
            return {name: _finite(one) for name, one in value.items()}
        case list() | tuple():
            return [_finite(one) for one in value]
        case float() if not math.isfinite(value):
            return None
    return value


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
