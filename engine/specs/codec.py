"""Reads and writes architecture files: TOML, few layers a line, most defaults left out.

Files are untrusted: every limit is checked before the work that it bounds, and messages escape
whatever they quote from a file.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.formats import ARCHITECTURE, later
from cnn_tui.engine.specs.files import read_text, reason, replace_bytes
from cnn_tui.engine.specs.inside import LIST_FIELDS, list_fields, lists_in
from cnn_tui.engine.specs.layers import Layer, Parallel, single
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, MAX_LAYERS, MAX_NESTING, Network
from cnn_tui.engine.specs.values import fields_of, network_problems, structure_problems
from cnn_tui.engine.specs.wording import plain, show

# tomllib needs quadratic time for a key of many dotted parts.
_LONG_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""
)
_MOST_COUNTED = 100
_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def load_network(path: Path, *, links: bool = True) -> Network:
    """Read an architecture file; pass ``links=False`` for a path that no user has typed.

    Raises:
        SpecError: if the file cannot be read, is not TOML, or does not describe a network.
            Whether the layers fit each other is not checked.
    """
    where = plain(str(path))
    hint = "Give an architecture in TOML."
    return loads_network(read_text(path, MAX_FILE_BYTES, hint=hint, links=links), where)


def loads_network(text: str, where: str) -> Network:
    """Parse the text of an architecture file; messages begin with ``where``.

    Raises:
        SpecError: as for :func:`load_network`.
    """
    return convert_network(parse_toml(text, where, ARCHITECTURE), where)


def convert_network(data: dict[str, object], where: str) -> Network:
    """Convert the tables of an architecture file, which may be a part of another file.

    Raises:
        SpecError: as for :func:`load_network`; messages begin with ``where``.
    """
    _refuse_too_much(data, where)
    _pass_over_flatten(data.get("layers"))
    try:
        return msgspec.convert(data, Network)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError):
        raise _explain(data, where) from None


def dumps_network(network: Network) -> str:
    """Return the text of the network's file; pairs of equal sizes are written as one number."""
    return "\n".join([*toml_lines(network), ""])


def save_network(network: Network, path: Path) -> None:
    """Write an architecture file completely or, on any failure, not at all.

    Raises:
        SpecError: if the network has invalid values, or the file cannot be written; an existing
            file is then unchanged.
    """
    where = plain(str(path))
    for at, problem, remedy in structure_problems(network):
        raise SpecError(f"{where}: {at}: {problem}.", remedy)
    text = dumps_network(network)
    loads_network(text, where)
    try:
        replace_bytes(path, text.encode())
    except (OSError, ValueError) as error:
        hint = "Save under another name or in another folder."
        raise SpecError(f"{where} cannot be written: {reason(error)}.", hint) from None


def parse_toml(text: str, where: str, known: int) -> dict[str, object]:
    """Parse TOML that may come from a stranger, within the limits of an architecture file.

    Its ``format``, the version of the file, is taken out.

    Raises:
        SpecError: if it is not TOML, too large, or of a version above ``known``; the message begins
            with ``where``.
    """
    data = _parsed(text, where)
    version = data.pop("format", 1)
    if type(version) is not int or version < 1:
        text = f"{where}: format: expected a whole number from 1, received {show(version)}."
        raise SpecError(text, "Remove the line: a file without it is of format 1.")
    if version > known:
        raise SpecError(*later(where, version, known))
    return data


def _parsed(text: str, where: str) -> dict[str, object]:
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
    except ValueError:  # Python reads no number of thousands of digits
        raise SpecError(
            f"{where} has a number of too many digits.", "Write a smaller one."
        ) from None


_LESS = f"At most {MAX_LAYERS:,} layers and {MAX_NESTING} levels of nesting are allowed."


_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate")
"""How Python begins what it says of keys and tables that are given twice."""


def _syntax_error(problem: str, text: str, where: str) -> SpecError:
    position = _AT_LINE.search(problem)
    line = int(position[1]) if position else text.count("\n") + 1
    reason = plain(_AT_LINE.sub("", problem).removesuffix(" (at end of document)"))
    hint = "Write key = value, with text in quotes."
    if problem.startswith(_TWICE):
        reason, hint = "a setting or table that is there already", "Give each once."
    return SpecError(f"{where}, line {line}: {reason}.", hint)


def _refuse_too_much(data: dict[str, object], where: str) -> None:
    if _count(data.get("layers"), 0, where) > MAX_LAYERS:
        raise SpecError(f"{where} has more than {MAX_LAYERS:,} layers.", _LESS)


def _count(layers: object, depth: int, where: str) -> int:
    """Number of layers, those inside blocks and every copy of repeated ones included."""
    if not isinstance(layers, list):
        return 0
    if depth > MAX_NESTING:
        raise SpecError(f"{where}: blocks are nested too deeply.", _LESS)
    count = len(layers)
    for layer in layers:
        is_repeat = isinstance(layer, dict) and layer.get("type") == "repeat"
        times = layer.get("times", 2) if is_repeat else None
        inside = sum(_count(inner, depth + 1, where) for inner in _lists_in(layer))
        # Any number of copies of nothing is nothing, and of an invalid number one is counted.
        count += inside * (max(1, times) if isinstance(times, int) else 1)
    return count


def _pass_over_flatten(layers: object) -> None:
    """Remove layers called ``flatten``, as other programs have them: an fc layer does so itself."""
    if isinstance(layers, list):
        layers[:] = [layer for layer in layers if layer != {"type": "flatten"}]
        for layer in layers:
            for inner in _lists_in(layer):
                _pass_over_flatten(inner)


def _lists_in(layer: object) -> list[object]:
    """The lists of layers inside a layer of the file, and whatever stands in their place."""
    if not isinstance(layer, dict):
        return []
    branches = layer.get("branches")
    own = branches if isinstance(branches, list) else []
    return [layer.get("branch"), layer.get("shortcut"), layer.get("layers"), *own]


def _explain(data: dict[str, object], where: str) -> SpecError:
    problems = list(islice(network_problems(data), _MOST_COUNTED))
    if not problems:
        return SpecError(f"{where} does not describe a network.", "See the presets for examples.")
    (path, text, remedy), *others = problems
    count = "many" if len(problems) == _MOST_COUNTED else len(others)
    more = f" (and {count} more)" if others else ""
    return SpecError(f"{where}: {path}: {text}{more}.", remedy)


_INDENT = "  "
_WIDTH = 120
"""Columns up to which layers inside a block share a line."""
_SIZES = {"kernel_size", "stride", "padding", "dilation", "output_size"}
"""Settings written as one number if height and width are equal."""
_ALWAYS = {"input", "data", "kernel_size"}
"""Settings written even if they are the default, since shapes depend on them."""
_OWN_PLACE = {"loss", "training", *LIST_FIELDS}


def toml_lines(network: Network) -> Iterator[str]:
    """Yield the lines of a file that is read back as an equal network."""
    yield from _settings(network)
    yield "layers = ["
    yield from _layers(network.layers, _INDENT)
    yield "]"
    if network.loss != Network().loss:
        yield from ("", "[loss]", *_settings(network.loss))
    if network.training != Network().training:
        yield from ("", "[training]", *_settings(network.training))


def _layers(layers: Iterable[Layer], indent: str) -> list[str]:
    """A line for each layer, with those that follow it and keep its shape."""
    lines: list[str] = []
    for layer in layers:
        first, *rest = _layer(layer, indent)
        if lines and layer.info.keeps_shape:
            lines[-1] += f" {first}"
        else:
            lines += [f"{indent}{first}", *rest]
    return lines


def _layer(layer: Layer, indent: str) -> list[str]:
    """The lines of a layer, the first without its indent."""
    line = f"{{ {', '.join(_settings(layer))}"
    lists = list(zip(list_fields(layer), lists_in(layer), strict=False))
    if not lists:
        return [f"{line} }},"]
    if isinstance(layer, Parallel):
        branches = [text for _, inner in lists for text in _branch(inner, indent + _INDENT)]
        return [f"{line}, branches = [", *_packed(branches), f"{indent}] }},"]
    text: list[str] = []
    for field, inner in lists:
        # In an inline table a line may end only inside an array.
        inside = _packed(_layers(inner, indent + _INDENT))
        text += [f"{line}, {field} = [", *inside] if inside else []
        line = f"{indent}]" if inside else f"{line}, {field} = []"
    return [*text, f"{line} }},"]


def _branch(layers: Iterable[Layer], indent: str) -> list[str]:
    first, *rest = _packed(_layers(layers, f"{indent} ")) or [""]
    lines = [f"{indent}[{first.strip()}", *rest]
    return [*lines[:-1], f"{lines[-1].removesuffix(',')}],"]


def _packed(lines: Iterable[str]) -> list[str]:
    """Lines inside a block: short ones, of which each is complete, stand beside each other."""
    packed: list[str] = []
    for line in lines:
        text = line.strip()
        fits = packed and len(packed[-1]) + 1 + len(text) <= _WIDTH
        if fits and _is_whole(packed[-1]) and (_is_whole(text) or text.startswith("[")):
            packed[-1] += f" {text}"
        else:
            packed.append(line)
    return packed


def _is_whole(line: str) -> bool:
    return line.count("[") == line.count("]") and not line.lstrip().startswith("]")


def _settings(struct: msgspec.Struct) -> Iterator[str]:
    tag = struct.__struct_config__.tag
    if tag is not None:
        yield f"type = {toml_value(tag)}"
    fields = fields_of(type(struct))
    # The name comes first, like a label.
    for name in sorted(fields, key=lambda name: name != "name"):
        value = getattr(struct, name)
        if name in _SIZES:
            value = single(value)
        is_written = value != fields[name].default or name in _ALWAYS
        is_list = name in _OWN_PLACE and not isinstance(value, str)
        if is_written and not is_list:
            yield f"{name} = {toml_value(value)}"


def toml_value(value: object) -> str:
    """Return a number, a text, a truth value or a tuple of them as TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        # TOML's basic strings are JSON strings, but DEL has to be escaped as well.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
