"""A point of the space as a network: fields found by name and set, layers made of a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.expansion import DEFAULTS, PatternOptions, preview
from cnn_tui.engine.specs.inside import Layers, Place, list_fields, lists_in, number
from cnn_tui.engine.specs.known_data import facts_for
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.paths import settings_of, with_setting
from cnn_tui.engine.specs.pattern import PATTERN
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import did_you_mean, listed, nearest, show
from cnn_tui.engine.sweeps.lines import Value

LAYERS = "layers"
"""The field whose values are whole lists of layers, in quick entry."""
_LETTERS = {"N": "n", "M": "m", "K": "k"}
"""The letters of the pattern, as the notes write them, and their options."""
_PATTERN = "pattern."
_OWN = ("name", "description", "data", "classes", "labels_from")
"""Settings that a sweep has for all its points."""
_SHOWN = 4


def is_structure(name: str) -> bool:
    """Whether a field decides which layers there are, so that others are found afterwards."""
    return name == LAYERS or name in _LETTERS or name.startswith(_PATTERN)


def make_point(base: Network, values: Mapping[str, Value]) -> Network:
    """The network of a point.

    Args:
        base: what the values change.
        values: the value of each field.

    Raises:
        SpecError: if there is no such field, or a value is not allowed in it.
    """
    network = _with_layers(base, {k: v for k, v in values.items() if is_structure(k)})
    for name, value in values.items():
        if not is_structure(name):
            path = resolve_field(network, name)
            network = with_setting(network, path, as_text(value))
    return network


def as_text(value: Value) -> str:
    """A value as :func:`cnn_tui.engine.specs.paths.with_setting` reads it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _with_layers(base: Network, values: Mapping[str, Value]) -> Network:
    if LAYERS in values:
        layers = parse_quick(str(values[LAYERS]))
    elif values:
        facts = facts_for(base)
        options: dict[str, Value] = {"classes": facts.classes or DEFAULTS.classes}
        for name, value in values.items():
            option = name.removeprefix(_PATTERN)
            options[_LETTERS.get(option, option)] = value
        text = str(options.pop("text", PATTERN))
        layers = preview(text, _options(options), base.input).layers
    else:
        return base
    return msgspec.structs.replace(base, layers=layers)


def _options(values: Mapping[str, Value]) -> PatternOptions:
    known = fields_of(PatternOptions)
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known, f"Known: {listed(known, 'and')}.")
            raise SpecError(f"The pattern has no setting {show(name)}.", hint)
    try:
        return msgspec.convert(dict(values), PatternOptions)
    except msgspec.ValidationError as error:
        raise SpecError(f"The pattern cannot have these settings: {error}.") from None


def resolve_field(network: Network, name: str) -> str:
    """The path of a field in a network: ``lr`` is ``training.lr``, ``conv4.stride`` in a layer.

    A layer is named as ``cnn-tui check`` names it, or by its number there: ``4.stride``,
    ``7.2.stride`` inside a block.

    Raises:
        SpecError: if there is none; the hint gives the nearest.
    """
    paths = settings_of(network)
    for path in (name, f"training.{name}", f"{name}.type"):
        if path in paths and path not in _OWN:
            return path
    head, _, field = name.rpartition(".")
    places = layer_paths(network)
    if head in places:
        path = f"{places[head]}.{field}"
        if path in paths:
            return path
    raise _unknown(network, name, places, paths)


def _unknown(
    network: Network, name: str, places: Mapping[str, str], paths: Iterable[str]
) -> SpecError:
    head, _, field = name.rpartition(".")
    if head in places:
        own = [path.removeprefix(f"{places[head]}.") for path in paths]
        own = [word for word in own if "." not in word and "[" not in word and word != "type"]
        own = [word for word in own if f"{places[head]}.{word}" in paths]
        near = nearest(field, own)
        hint = f"Did you mean {head}.{near[0]}?" if near else f"It has {listed(own, 'and')}."
        return SpecError(f"{head} has no setting {show(field)}.", hint)
    names = [word for word in places if not word[0].isdigit()]
    if head and head != "training":
        having = [word for word in names if f"{places[word]}.{field}" in paths]
        near = nearest(head, having)
        hint = f"Did you mean {near[0]}.{field}? " if near else ""
        hint += f"Layers with {field}: {listed(having[:_SHOWN])}." if having else ""
        hint = hint or f"Layers: {listed(names[:8])}."
        return SpecError(f"There is no layer {show(head)} in {network.name}.", hint)
    hint = did_you_mean(
        field,
        [*fields_of(Recipe), *("N", "M", "K", LAYERS, "input", "loss")],
        "Examples: lr, batch_size, conv1.out_channels.",
    )
    return SpecError(f"There is no field {show(name)}.", hint)


def layer_paths(network: Network) -> dict[str, str]:
    """The path of each layer by its name and by its number; of copies the one that is repeated."""
    found: dict[str, str] = {}
    for place, path, report in _layers(network.layers, check(network).layers, (), LAYERS):
        found[number(place)] = path
        if report is not None:
            found.setdefault(report.name, path)
    return found


def _layers(
    layers: Layers, reports: tuple[LayerReport, ...], above: Place, path: str
) -> Iterator[tuple[Place, str, LayerReport | None]]:
    for position, layer in enumerate(layers):
        report = reports[position] if position < len(reports) else None
        here, place = f"{path}[{position}]", (*above, position)
        yield place, here, report
        yield from _inside(layer, report, place, here)


def _inside(
    layer: Layer, report: LayerReport | None, place: Place, path: str
) -> Iterator[tuple[Place, str, LayerReport | None]]:
    lists = report.inner if report is not None else ()
    for at, (field, inner) in enumerate(zip(list_fields(layer), lists_in(layer), strict=False)):
        reports = lists[at] if at < len(lists) else ()
        yield from _layers(inner, reports, (*place, at), f"{path}.{field}")
