"""Reads and writes architecture files: TOML, one layer a line, most defaults left out.

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
from cnn_tui.engine.specs.files import read_text, reason, replace_bytes
from cnn_tui.engine.specs.layers import Layer, Residual, single
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, MAX_LAYERS, MAX_NESTING, Network
from cnn_tui.engine.specs.values import fields_of, network_problems
from cnn_tui.engine.specs.wording import plain

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
    data = _parse(text, where)
    _refuse_too_much(data, where)
    _pass_over_flatten(data)
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
    text = dumps_network(network)
    loads_network(text, where)
    try:
        replace_bytes(path, text.encode())
    except (OSError, ValueError) as error:
        hint = "Save under another name or in another folder."
        raise SpecError(f"{where} cannot be written: {reason(error)}.", hint) from None


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
    except ValueError as error:  # for example a number with thousands of digits
        raise SpecError(f"{where} is not TOML: {reason(error)}.", _LESS) from None


_LESS = f"At most {MAX_LAYERS} layers and {MAX_NESTING} levels of nesting are allowed."


def _syntax_error(problem: str, text: str, where: str) -> SpecError:
    position = _AT_LINE.search(problem)
    line = int(position[1]) if position else text.count("\n") + 1
    reason = plain(_AT_LINE.sub("", problem).removesuffix(" (at end of document)"))
    hint = "Write key = value, with text in quotes."
    return SpecError(f"{where}, line {line}: {reason}.", hint)


def _refuse_too_much(data: dict[str, object], where: str) -> None:
    count = 0
    for depth, layers in _lists(data.get("layers"), 0):
        count += len(layers)
        if count > MAX_LAYERS:
            raise SpecError(f"{where} has more than {MAX_LAYERS} layers.", _LESS)
        if depth > MAX_NESTING:
            raise SpecError(f"{where}: residual blocks are nested too deeply.", _LESS)


def _pass_over_flatten(data: dict[str, object]) -> None:
    """Remove layers called ``flatten``, as other programs have them: an fc layer does so itself."""
    for _, layers in _lists(data.get("layers"), 0):
        layers[:] = [layer for layer in layers if layer != {"type": "flatten"}]


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


_INDENT = "  "
_SIZES = {"kernel_size", "stride", "padding", "dilation", "output_size"}
"""Settings written as one number if height and width are equal."""
_ALWAYS = {"input", "data", "kernel_size"}
"""Settings written even if they are the default, since shapes depend on them."""
_OWN_PLACE = {"layers", "loss", "training", "branch"}


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


def _layers(layers: Iterable[Layer], indent: str) -> Iterator[str]:
    for layer in layers:
        settings = ", ".join(_settings(layer))
        if isinstance(layer, Residual):
            # In an inline table a line may end only inside an array.
            yield f"{indent}{{ {settings}, branch = ["
            yield from _layers(layer.branch, indent + _INDENT)
            yield f"{indent}] }},"
        else:
            yield f"{indent}{{ {settings} }},"


def _settings(struct: msgspec.Struct) -> Iterator[str]:
    tag = struct.__struct_config__.tag
    if tag is not None:
        yield f"type = {_value(tag)}"
    fields = fields_of(type(struct))
    # The name comes first, like a label.
    for name in sorted(fields, key=lambda name: name != "name"):
        value = getattr(struct, name)
        if name in _SIZES:
            value = single(value)
        is_written = value != fields[name].default or name in _ALWAYS
        if is_written and name not in _OWN_PLACE:
            yield f"{name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # TOML's basic strings are JSON strings, but DEL has to be escaped as well.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
