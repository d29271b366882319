"""Runs side by side: what they were told to do differently, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cnn_tui.engine.runs.alignment import LayerDifference, layer_differences
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import RunEntry, read_entry
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import settings_of
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
