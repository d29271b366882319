"""Networks and their trainings, for a notebook."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.notebook.curves import curves_html
from cnn_tui.engine.runs.compare import EpochCurve, read_curve
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.runs.summary import Summary
from cnn_tui.engine.runs.train import new_run, train_recorded
from cnn_tui.engine.specs.codec import load_network
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import EpochCompleted, RunEnded, RunEvent


def load(arch: str | Path) -> Network:
    """Read a network: a preset by its name, such as ``lenet5``, or a TOML file.

    Raises:
        SpecError: if there is no such preset or file, or it cannot be read.
    """
    return load_network(arch) if isinstance(arch, Path) else resolve(arch)


@dataclass(frozen=True)
class TrainedRun:
    """A run that was trained, kept like any other; its figures are read when asked for."""

    folder: RunFolder

    @property
    def name(self) -> str:
        """The name of the run, for ``cnn-tui watch`` and :func:`~cnn_tui.engine.inspect`."""
        return self.folder.name

    @cached_property
    def history(self) -> EpochCurve:
        """Loss and accuracy of every epoch, in training and validation."""
        return read_curve(self.folder)

    @cached_property
    def summary(self) -> Summary:
        """The main figures, such as ``test_accuracy``."""
        entry = read_entry(self.folder)
        return entry.summary if entry else Summary()

    def subject(self, state: str = "best") -> Subject:
        """The network with its weights and data, to look into; to be closed.

        Raises:
            CnnTuiError: if the run has no such state, or cannot be read.
        """
        return Subject.of_run(self.folder, state)

    def _repr_html_(self) -> str:
        return curves_html(self.name, self.summary, self.history)


def train(
    arch: Network | str | Path,
    *,
    data_dir: str | Path | None = None,
    runs_dir: str | Path | None = None,
    quiet: bool = False,
    **recipe: object,
) -> TrainedRun:
    """Train a network and keep the run; interrupting the cell stops it with a checkpoint.

    Args:
        arch: a network, or what :func:`load` reads.
        data_dir: the folder of data that is not built in.
        runs_dir: the folder of runs; by default the user's own.
        quiet: print no line for each epoch.
        recipe: settings of the recipe in place of its own, such as ``epochs=3, lr=0.01``.

    Raises:
        CnnTuiError: if the network does not fit its data, a setting does not exist, or the training
            fails.
    """
    network = with_recipe(arch if isinstance(arch, Network) else load(arch), recipe)
    given = None if data_dir is None else Path(data_dir)
    network, dataset, found = load_network_data(network, given)
    control, ended = Control(), list[RunEnded]()

    def emit(event: RunEvent) -> None:
        if isinstance(event, EpochCompleted) and not quiet:
            print(_line(event))
        elif isinstance(event, RunEnded):
            ended.append(event)

    root = runs_home() if runs_dir is None else Path(runs_dir)
    with new_run(root, network, dataset, control=control, data_dir=found) as recorder:
        folder = RunFolder(Path(recorder.path))
        work = threading.Thread(
            target=train_recorded, args=(network, dataset, recorder, control, emit)
        )
        work.start()
        try:
            work.join()
        except KeyboardInterrupt:
            control.stop()
            work.join()
    if not ended or ended[0].reason == "failed":
        raise CnnTuiError(f"{folder.name} failed: {ended[0].message if ended else 'no result.'}")
    return TrainedRun(folder)


def open_trained(name: str, runs_dir: str | Path | None = None) -> TrainedRun:
    """A run by its name.

    Raises:
        RunError: if there is no such run.
    """
    return TrainedRun(open_run(runs_home() if runs_dir is None else Path(runs_dir), name))


def with_recipe(network: Network, recipe: dict[str, object]) -> Network:
    """The network with some settings of its recipe changed.

    Raises:
        CnnTuiError: if there is no such setting, or the value is not allowed.
    """
    unknown = [name for name in recipe if name not in Recipe.__struct_fields__]
    if unknown:
        raise CnnTuiError(
            f"A recipe has no setting {unknown[0]}.",
            f"It has {', '.join(Recipe.__struct_fields__)}.",
        )
    changed = msgspec.structs.asdict(network.training) | recipe
    try:
        training = msgspec.convert(changed, Recipe)
    except msgspec.ValidationError as error:
        raise CnnTuiError(f"This recipe is not allowed: {error}.") from None
    return msgspec.structs.replace(network, training=training)


def _line(event: EpochCompleted) -> str:
    return (
        f"epoch {event.epoch:3}  train {event.train_loss:.4f} {event.train_accuracy:6.1%}  "
        f"val {event.val_loss:.4f} {event.val_accuracy:6.1%}"
    )
