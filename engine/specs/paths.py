"""Reads and changes single settings by path: ``training.lr``, ``layers[2].p``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.values import network_problems
from cnn_tui.engine.specs.wording import did_you_mean, listed, show

_WORDS = {"none": None, "off": None, "yes": True, "no": False}
_SHOWN = 3
"""Paths that a message lists."""


def settings_of(network: Network) -> dict[str, str]:
    """Return every setting by path, defaults included, with values as JSON."""
    return dict(_settings(network, ""))


def value_words(value: str) -> str:
    """Return a value of :func:`settings_of` in words: ``momentum``, ``3x32x32``, ``yes``, ``off``.

    ``with_setting`` reads each of them back.
    """
    if not value.startswith(('"', "[")):
        words = {"": "-", "null": "off", "true": "yes", "false": "no"}
        return words.get(value, value.removesuffix(".0"))
    decoded = msgspec.json.decode(value)
    if isinstance(decoded, str):
        return decoded
    if not decoded or isinstance(decoded[0], str):
        return value
    return ("x" if isinstance(decoded[0], int) else " ").join(map(str, decoded))


def setting_words(path: str) -> str:
    """Return a path of :func:`settings_of` as forms write it: ``batch size``, ``loss``.

    ``find_setting`` reads it back.
    """
    name = path.removeprefix("training.").removesuffix(".type").removeprefix("loss.")
    return name if "[" in name else name.replace("_", " ")


def find_setting(network: Network, name: str) -> str:
    """Return the path meant by a path or its last part; settings of the recipe come first.

    Raises:
        SpecError: if there is no such setting, or several.
    """
    paths = settings_of(network)
    name = name.replace(" ", "_")
    for path in (name, f"training.{name}", f"{name}.type"):
        if path in paths:
            return path
    matches = [path for path in paths if path.rpartition(".")[2] == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        more = [f"one of {len(matches) - _SHOWN} more"] if len(matches) > _SHOWN else []
        raise SpecError(
            f"{name} may be {listed([*matches[:_SHOWN], *more])}.", "Give the whole path."
        )
    hint = did_you_mean(
        name,
        [*paths, *(path.rpartition(".")[2] for path in paths)],
        "Examples: lr, seed, layers[0].out_channels.",
    )
    raise SpecError(f"There is no setting {show(name)} in this run.", hint)


def with_setting(network: Network, path: str, text: str) -> Network:
    """Return the network with one setting changed, within the limits of a file.

    Args:
        network: The network to change.
        path: A path from :func:`find_setting`.
        text: The value as JSON or in words; ``off`` resets an optional setting.

    Raises:
        SpecError: if the value is invalid for the setting.
    """
    data: dict[str, Any] = msgspec.to_builtins(network)
    data = {"loss": msgspec.to_builtins(network.loss), "training": {}, **data}
    *way, last = (int(i) if i else name for name, i in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path))
    place: Any = data
    for part in way:
        place = place[part]
    if last == "type" and place[last] != text:
        # The settings of the new type start at their defaults.
        for name in {*place} - {"name"}:
            del place[name]
    place[last] = _value(text)
    for where, problem, remedy in network_problems(data):
        raise SpecError(f"{where}: {problem}.", remedy)
    return msgspec.convert(data, Network)


def _value(text: str) -> object:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.fullmatch(r"\d+(x\d+)+", text):
        return [int(size) for size in text.split("x")]
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        pass
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError:
        return text
    return numbers[0] if len(numbers) == 1 else numbers or text


def _settings(value: object, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        if tag is not None:
            yield f"{path}.type", str(tag)
        for name in value.__struct_fields__:
            yield from _settings(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for index, layer in enumerate(value):
            yield from _settings(layer, f"{path}[{index}]")
    else:
        yield path, msgspec.json.encode(value).decode()
