"""Runs side by side: settings and layers that differ, and the resulting curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import msgspec

from cnn_tui.engine.data.sources import FOLDER
from cnn_tui.engine.decoding import encode
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import RunEntry, read_entry
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.specs.inside import list_letter, lists_in, with_lists
from cnn_tui.engine.specs.layers import Layer, layer_type
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.paths import settings_of, value_words
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.training.events import EpochCompleted

_ELSEWHERE = ("layers[", "description")


class EpochCurve(msgspec.Struct, frozen=True):
    """The epochs of a run; figures that were not finite are None."""

    epochs: list[int]
    train_loss: list[float]
    val_loss: list[float]
    train_accuracy: list[float]
    val_accuracy: list[float]


class Difference(msgspec.Struct, frozen=True):
    """A setting that differs between runs: one value for each run, empty where it is not set."""

    setting: str
    values: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The values as people read them."""
        return tuple(map(value_words, self.values))


class RunComparison(msgspec.Struct, frozen=True):
    """The output of ``compare --json``."""

    runs: tuple[RunEntry, ...]
    differences: tuple[Difference, ...]
    curves: tuple[EpochCurve, ...]
    architecture: tuple[LayerDifference, ...] = ()

    @property
    def recipe(self) -> tuple[Difference, ...]:
        """The differences in settings other than layers and descriptions."""
        return tuple(d for d in self.differences if not d.setting.startswith(_ELSEWHERE))


def compare_runs(folders: Sequence[RunFolder]) -> RunComparison:
    """Compare any number of runs.

    Raises:
        RunError: if a run cannot be read.
        SpecError: if a run's architecture cannot be read.
    """
    for folder in folders:
        folder.info()
    entries = [read_entry(folder) for folder in folders]
    networks = [None if folder.info().program else folder.network() for folder in folders]
    layered = [network or Network() for network in networks]
    return RunComparison(
        tuple(entry for entry in entries if entry is not None),
        tuple(differing([settings_of_run(folder) for folder in folders])),
        tuple(read_curve(folder) for folder in folders),
        tuple(layer_differences(layered)) if all(networks) else (),
    )


def read_curve(folder: RunFolder) -> EpochCurve:
    """The recorded epochs of a run."""
    epochs = [e for e in read_events(folder.events_file) if isinstance(e, EpochCompleted)]
    return EpochCurve(
        [e.epoch for e in epochs],
        [e.train_loss for e in epochs],
        [e.val_loss for e in epochs],
        [e.train_accuracy for e in epochs],
        [e.val_accuracy for e in epochs],
    )


def settings_of_run(folder: RunFolder) -> dict[str, str]:
    """Every setting of a run by path, with values as JSON; of another program those it gave.

    Raises:
        CnnTuiError: if the run cannot be read.
    """
    info = folder.info()
    if info.program:
        return {_path_of(name): encode(value).decode() for name, value in info.config.items()}
    # Of one's own data the network has only that they are in a folder.
    own = {"data": encode(Path(info.data_dir).stem).decode()} if info.data == FOLDER else {}
    return settings_of(folder.network()) | own


def _path_of(name: str) -> str:
    """The path of another program's setting: that of ours which has its name, if there is one."""
    return f"training.{name}" if name in Recipe.__struct_fields__ else name


def differences(networks: Sequence[Network]) -> Iterable[Difference]:
    """Every setting in which networks differ."""
    return differing([settings_of(network) for network in networks])


def differing(settings: Sequence[dict[str, str]]) -> Iterable[Difference]:
    """Every setting that differs, by its path in the file, such as ``layers[2].p``."""
    for path in dict.fromkeys(path for of_network in settings for path in of_network):
        values = tuple(of_network.get(path, "") for of_network in settings)
        if len(set(values)) > 1:
            yield Difference(path, values)


INSIDE = "· "
"""Prefix of a layer inside a block; in its later branches it is the letter of the branch."""


class LayerDifference(msgspec.Struct, frozen=True):
    """A layer that differs between runs, as quick entry; empty where a run lacks it."""

    layer: int
    """Position in the first run that has the layer, from 1, counting layers inside blocks."""
    values: tuple[str, ...]


class _Line(NamedTuple):
    type: str
    text: str


_Row = tuple[_Line | None, ...]


def layer_differences(networks: Sequence[Network]) -> Iterator[LayerDifference]:
    """The layers that differ; an inserted layer does not shift the alignment after it."""
    columns = [list(_lines(network.layers, "")) for network in networks]
    positions = [0] * len(networks)
    for row in _aligned(columns):
        positions = [n + (line is not None) for n, line in zip(positions, row, strict=True)]
        if len(set(row)) > 1:
            first = next(n for n, line in zip(positions, row, strict=True) if line)
            yield LayerDifference(first, tuple(line.text if line else "" for line in row))


def _lines(layers: Sequence[Layer], indent: str) -> Iterator[_Line]:
    for layer in layers:
        lists = lists_in(layer)
        bare = with_lists(layer, [() for _ in lists])
        yield _Line(indent + layer_type(layer), indent + to_quick([bare]).replace(" { }", ""))
        for at, inner in enumerate(lists):
            yield from _lines(inner, indent + (f"{list_letter(at)} " if at else INSIDE))


def _aligned(columns: Sequence[Sequence[_Line]]) -> list[_Row]:
    rows: list[_Row] = []
    for number, column in enumerate(columns):
        rows = list(_joined(rows, column, number))
    return rows


def _joined(rows: Sequence[_Row], column: Sequence[_Line], width: int) -> Iterator[_Row]:
    """Add a column: equal layers share a row; between them, layers of equal type do."""
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
