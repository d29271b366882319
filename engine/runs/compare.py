"""Runs side by side: what they were told to do differently, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import RunEntry, read_entry
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.specs.layers import Layer, Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import settings_of
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.training.events import EpochCompleted

_ELSEWHERE = ("layers[", "description")


class EpochCurve(msgspec.Struct, frozen=True):
    """Epochs of a run; figures that were not finite are None."""

    epochs: list[int]
    train_loss: list[float]
    val_loss: list[float]
    train_accuracy: list[float]
    val_accuracy: list[float]


class Difference(msgspec.Struct, frozen=True):
    """A setting that is not the same in all runs; one value each, empty where it has none."""

    setting: str
    values: tuple[str, ...]


class RunComparison(msgspec.Struct, frozen=True):
    """What ``compare --json`` prints."""

    runs: tuple[RunEntry, ...]
    differences: tuple[Difference, ...]
    curves: tuple[EpochCurve, ...]
    architecture: tuple[LayerDifference, ...] = ()

    @property
    def recipe(self) -> tuple[Difference, ...]:
        """The differences apart from those of layers and of what a person wrote about them."""
        return tuple(one for one in self.differences if not one.setting.startswith(_ELSEWHERE))


def compare_runs(folders: Sequence[RunFolder]) -> RunComparison:
    """Compare any number of runs.

    Raises:
        RunError: if one of them cannot be read.
        SpecError: if one's architecture cannot be read.
    """
    for folder in folders:
        folder.info()
    entries = [read_entry(folder) for folder in folders]
    networks = [folder.network() for folder in folders]
    return RunComparison(
        tuple(entry for entry in entries if entry is not None),
        tuple(differences(networks)),
        tuple(read_curve(folder) for folder in folders),
        tuple(layer_differences(networks)),
    )


def read_curve(folder: RunFolder) -> EpochCurve:
    """The epochs that a run recorded."""
    epochs = [e for e in read_events(folder.events_file) if isinstance(e, EpochCompleted)]
    return EpochCurve(
        [e.epoch for e in epochs],
        [e.train_loss for e in epochs],
        [e.val_loss for e in epochs],
        [e.train_accuracy for e in epochs],
        [e.val_accuracy for e in epochs],
    )


def differences(networks: Sequence[Network]) -> Iterable[Difference]:
    """Every setting that differs, by its path in the file, such as ``layers[2].p``."""
    settings = [settings_of(network) for network in networks]
    for path in dict.fromkeys(path for one in settings for path in one):
        values = tuple(one.get(path, "") for one in settings)
        if len(set(values)) > 1:
            yield Difference(path, values)


INSIDE = "· "
"""Before a layer inside a residual block."""


class LayerDifference(msgspec.Struct, frozen=True):
    """A layer that is not the same in all runs, as quick entry; empty where a run has none."""

    layer: int
    """Its place in the first run that has it, counted from 1, blocks written out."""
    values: tuple[str, ...]


class _Line(NamedTuple):
    type: str
    text: str


_Row = tuple[_Line | None, ...]


def layer_differences(networks: Sequence[Network]) -> Iterator[LayerDifference]:
    """The layers that differ; one that was put in between does not shift those after it."""
    columns = [list(_lines(network.layers, "")) for network in networks]
    places = [0] * len(networks)
    for row in _aligned(columns):
        places = [at + (line is not None) for at, line in zip(places, row, strict=True)]
        if len(set(row)) > 1:
            first = next(at for at, line in zip(places, row, strict=True) if line)
            yield LayerDifference(first, tuple(line.text if line else "" for line in row))


def _lines(layers: Sequence[Layer], indent: str) -> Iterator[_Line]:
    for layer in layers:
        branch = layer.branch if isinstance(layer, Residual) else ()
        bare = msgspec.structs.replace(layer, branch=()) if branch else layer
        yield _Line(indent + layer_type(layer), indent + to_quick([bare]).replace(" { }", ""))
        yield from _lines(branch, indent + INSIDE)


def _aligned(columns: Sequence[Sequence[_Line]]) -> list[_Row]:
    rows: list[_Row] = []
    for number, column in enumerate(columns):
        rows = list(_joined(rows, column, number))
    return rows


def _joined(rows: Sequence[_Row], column: Sequence[_Line], width: int) -> Iterator[_Row]:
    """Add a column: equal layers face each other, between them those of equal type."""
    known = [next(line for line in row if line) for row in rows]
    for above, below in _pairs(known, column):
        row = rows[above] if above is not None else (None,) * width
        yield (*row, column[below] if below is not None else None)


def _pairs(
    known: Sequence[_Line], column: Sequence[_Line]
) -> Iterator[tuple[int | None, int | None]]:
    matcher = SequenceMatcher(None, known, column, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "replace":
            ours = [line.type for line in known[a:a_end]]
            theirs = [line.type for line in column[b:b_end]]
            typed = SequenceMatcher(None, ours, theirs, autojunk=False)
            for _, i, i_end, j, j_end in typed.get_opcodes():
                yield from zip_longest(range(a + i, a + i_end), range(b + j, b + j_end))
        else:
            yield from zip_longest(range(a, a_end), range(b, b_end))
