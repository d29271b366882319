"""The JSON that conditions are about, and the names in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from cnn_tui.engine.lessons.lesson import JSONSource
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.engine.specs.network import LOSS_TYPES, Network, Recipe
from cnn_tui.engine.specs.report import Fix, Issue, LayerReport, Report
from cnn_tui.engine.training.events import BatchCompleted, LayersMeasured, Remedy, RunEvent

JSON = Any
"""Values as a JSON reader has them."""

VIEWS = {
    "filters": "layer shape scale filters filter norm weight",
    "maps": "layer image note target predicted shape scale maps map mean values",
    "health": "layers layer filters dead duplicates noisy effective_rank distinct verdict "
    "roughness images",
    "ablate": "layer images before filters filter after cost",
    "probes": "data images test_images neighbours probes layer features linear knn "
    "linear_untrained knn_untrained accuracy trained_convs random_convs",
    "confusion": "split images accuracy classes matrix per_class class precision recall support",
    "shift": "shifts accuracy name params run images beside name params accuracy run",
}
"""The views that a condition may be about, with the names in their JSON."""
_UNPRINTED = (BatchCompleted, LayersMeasured)
EVENTS = {str(kind.__struct_config__.tag): kind for kind in get_args(RunEvent)}


def report_json(network: Network) -> JSON:
    """The JSON that ``check --json`` prints for the network."""
    return as_json(check_with_data(network))


def network_json(network: Network) -> JSON:
    """The architecture file as JSON, with all defaults."""
    return as_json(_filled(network))


def events_json(events: Iterable[RunEvent]) -> JSON:
    """The JSON that ``train --json`` prints for a run: its events, without single steps."""
    return as_json([event for event in events if not isinstance(event, _UNPRINTED)])


def as_json(value: object) -> JSON:
    """A value as a reader of its JSON has it: numbers that are not finite are None."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _filled(value: object) -> object:
    match value:
        case msgspec.Struct():
            fields = {name: _filled(getattr(value, name)) for name in value.__struct_fields__}
            tag = value.__struct_config__.tag
            return fields if tag is None else {"type": tag, **fields}
        case tuple():
            return [_filled(item) for item in value]
    return value


def names_in(source: JSONSource, event: str = "") -> frozenset[str]:
    """Every name that can occur in the JSON of a source, or in one kind of its events."""
    if source.kind == "inspect":
        return frozenset(VIEWS[source.view].split())
    if source.kind == "train":
        kinds = [EVENTS[event]] if event else [*EVENTS.values()]
        return _fields(*kinds, Remedy) | {"event"}
    if source.kind == "check":
        return _fields(Report, LayerReport, Issue, Fix)
    return _fields(Network, Recipe, *LOSS_TYPES.values(), *LAYER_TYPES.values()) | {"type"}


def outermost(source: JSONSource) -> frozenset[str] | None:
    """The names with which a path into the JSON of a source may begin; None if it has several."""
    kinds: dict[str, type[msgspec.Struct]] = {
        "check": Report,
        "network": Network,
        "trained": Network,
    }
    return _fields(kinds[source.kind]) if source.kind in kinds else None


def _fields(*kinds: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(name for kind in kinds for name in kind.__struct_fields__)
