"""Reads and writes architecture files; see :mod:`cnn_tui.engine.specs.layout` for their look.

Files come from strangers: every limit is checked before the work that it bounds, and nothing of
a file gets into a message unescaped.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from cnn_tui.engine.errors import SpecError, reason_of
from cnn_tui.engine.specs.files import read_bytes, replace_bytes
from cnn_tui.engine.specs.layout import toml_lines
from cnn_tui.engine.specs.limits import MAX_FILE_BYTES, MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.values import network_problems
from cnn_tui.engine.specs.wording import plain

# A key of many dotted parts takes tomllib a time that grows with their square.
_LONG_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""
)
_MOST_COUNTED = 100
_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def load_network(path: Path, *, links: bool = True) -> Network:
    """Read an architecture file; through ``links``, unless the path is none that a person named.

    Raises:
        SpecError: if it cannot be read, is not TOML, or does not describe a network. Whether the
            layers fit each other is not judged here.
    """
    where = plain(str(path))
    return loads_network(_read(path, where, links), where)


def loads_network(text: str, where: str) -> Network:
    """Read the text of an architecture file; ``where`` leads every message.

    Raises:
        SpecError: as for :func:`load_network`.
    """
    data = _parse(text, where)
    _refuse_too_much(data, where)
    try:
        return msgspec.convert(data, Network)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError):
        raise _explain(data, where) from None


def dumps_network(network: Network) -> str:
    """The text of the network's file; sizes of two equal numbers become one number."""
    return "\n".join([*toml_lines(network), ""])


def save_network(network: Network, path: Path) -> None:
    """Write an architecture file: all of it or, on any failure, nothing.

    Raises:
        SpecError: if the network has values that could not be read back, or the place cannot be
            written; a file that was there is left as it was.
    """
    where = plain(str(path))
    text = dumps_network(network)
    loads_network(text, where)
    try:
        replace_bytes(path, text.encode())
    except (OSError, ValueError) as error:
        hint = "Save under another name or in another folder."
        raise SpecError(f"{where} cannot be written: {_reason(error)}.", hint) from None


def _read(path: Path, where: str, links: bool) -> str:
    try:
        # With or without the mark that some editors put first.
        return read_bytes(path, MAX_FILE_BYTES, links=links).decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError(f"There is no file {where}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise SpecError(f"{where} is not UTF-8 text.", "Give an architecture in TOML.") from None
    except (OSError, ValueError) as error:
        hint = "Give an architecture in TOML."
        raise SpecError(f"{where} cannot be read: {_reason(error)}.", hint) from None


def _reason(error: OSError | ValueError) -> str:
    text = reason_of(error)
    return plain(text[:1].lower() + text[1:])


def _parse(text: str, where: str) -> dict[str, object]:
    if len(text) > MAX_FILE_BYTES:
        raise SpecError(f"{where} is larger than {MAX_FILE_BYTES // 1024} KB.", _LESS)
    if _LONG_KEY.search(text):
        raise SpecError(f"{where} has a key of more than 32 parts.", "Write shorter keys.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, where) from None
    except RecursionError:
        raise SpecError(f"{where}: lists or tables are nested too deeply.", _LESS) from None
    except ValueError as error:  # such as a number of thousands of digits
        raise SpecError(f"{where} is not TOML: {_reason(error)}.", _LESS) from None


_LESS = f"An architecture has at most {MAX_LAYERS} layers, {MAX_NESTING} deep in each other."


def _syntax_error(problem: str, text: str, where: str) -> SpecError:
    position = _AT_LINE.search(problem)
    line = int(position[1]) if position else text.count("\n") + 1
    reason = plain(_AT_LINE.sub("", problem).removesuffix(" (at end of document)"))
    hint = "A line reads key = value, with text in quotes."
    return SpecError(f"{where}, line {line}: {reason}.", hint)


def _refuse_too_much(data: dict[str, object], where: str) -> None:
    count = 0
    for depth, layers in _lists(data.get("layers"), 0):
        count += len(layers)
        if count > MAX_LAYERS:
            raise SpecError(f"{where} has more than {MAX_LAYERS} layers.", _LESS)
        if depth > MAX_NESTING:
            raise SpecError(f"{where}: residual blocks are nested too deeply.", _LESS)


def _lists(layers: object, depth: int) -> Iterator[tuple[int, list[object]]]:
    if isinstance(layers, list):
        yield depth, layers
        for layer in layers:
            if isinstance(layer, dict):
                yield from _lists(layer.get("branch"), depth + 1)


def _explain(data: dict[str, object], where: str) -> SpecError:
    problems = list(islice(network_problems(data), _MOST_COUNTED))
    if not problems:
        return SpecError(f"{where} does not describe a network.", "See the presets for examples.")
    path, text, remedy = problems[0]
    others = "many" if len(problems) == _MOST_COUNTED else len(problems) - 1
    more = f" (and {others} more)" if len(problems) > 1 else ""
    return SpecError(f"{where}: {path}: {text}{more}.", remedy)
