"""Loading and downloading data on the command line, with progress on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from cnn_tui.engine.data.catalog import load_dataset, load_network_data
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.fitting import fit_to_data, with_data
from cnn_tui.engine.specs.known_data import DataFacts, facts_of
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.specs.unused import unused_settings
from cnn_tui.engine.specs.wording import listed, plain
from cnn_tui.engine.training.opening import check_compatible
from cnn_tui.tui.cli.option_groups import Reading
from cnn_tui.tui.cli.output import paints, print_note, print_progress

_LINE_SECONDS = 5.0


def load(
    name: str,
    shape: tuple[int, int, int] | None,
    reading: Reading,
) -> Dataset:
    """Return the dataset of ``load_dataset``, showing progress."""
    with progress_shown() as progress:
        dataset = load_dataset(
            name,
            reading.data_dir,
            shape=shape,
            classes=reading.classes,
            labels_from=reading.labels_from,
            skip_damaged=reading.skip_damaged,
            progress=progress,
        )
    _print_notes(dataset)
    return dataset


def _print_notes(dataset: Dataset) -> None:
    for note in dataset.notes:
        print_note(note)


def load_data(
    network: Network, data_dir: Path | None, *, skip_damaged: bool = False
) -> tuple[Network, Dataset, Path | None]:
    """Return what ``load_network_data`` does, showing progress."""
    with progress_shown() as progress:
        found = load_network_data(network, data_dir, skip_damaged=skip_damaged, progress=progress)
    _print_notes(found[1])
    return found


def load_compatible(
    network: Network, data_dir: Path | None, *, skip_damaged: bool = False
) -> tuple[Network, Dataset, Path | None]:
    """Load as :func:`load_data` does, for a network that is trained as it is.

    Raises:
        DataError: The data cannot be read.
        ShapeError: Network and data do not fit each other.
    """
    found = load_data(network, data_dir, skip_damaged=skip_damaged)
    check_compatible(found[0], found[1])
    return found


def load_for(
    arch: str | Network,
    data: str | None,
    reading: Reading,
    change: Callable[[Network], Network],
) -> tuple[Network, Dataset, Path | None]:
    """Return the network of a command line, its data, and the folder of the data.

    ``reading`` and ``change`` apply other options to the network, before anything slow is done.
    If ``data`` is given, the network is fitted to it where that is a matter of numbers.

    Raises:
        SpecError: The network cannot be read.
        DataError: The data cannot be read.
        ShapeError: Network and data do not fit each other.
    """
    network, note = resolve(arch) if isinstance(arch, str) else arch, ""
    if data is not None:
        network, note = _with_data(network, data)
    network = change(reading.applied(network))
    for sentence in unused_settings(network.training).values():
        print_note(sentence)
    network, dataset, data_dir = load_data(
        network, reading.data_dir, skip_damaged=reading.skip_damaged
    )
    if data is not None and not note:
        network, note = _fitted(network, dataset)
    if note:
        print_note(note)
    check_compatible(network, dataset)
    return network, dataset, data_dir


def _fitted(network: Network, dataset: Dataset) -> tuple[Network, str]:
    """Return the network for data that was read, and what that changes in words."""
    facts = DataFacts("", dataset.input_shape, len(dataset.classes))
    fitted = fit_to_data(network, facts)
    if fitted == network or not check(fitted, data=facts).valid:
        return network, ""
    changes = [f"input {format_shape(fitted.input)}"] * (fitted.input != network.input)
    changes += [f"{facts.classes} scores"] * (fitted.layers != network.layers)
    return fitted, f"{network.name} is changed for {dataset.name}: {listed(changes, 'and')}."


def _with_data(network: Network, data: str) -> tuple[Network, str]:
    """Return the network for other data, and what else that changes in words."""
    named = msgspec.structs.replace(network, data=data)
    fitted, recipe = with_data(network, data), network.training
    if fitted != named and check_with_data(fitted).valid:
        changes = [f"input {format_shape(fitted.input)}"] * (fitted.input != named.input)
        changes += [f"{facts_of(data).classes} scores"] * (fitted.layers != named.layers)
        changes += [
            f"{setting.replace('_', ' ')} {value:g}"
            for setting, value in msgspec.structs.asdict(fitted.training).items()
            if value != getattr(recipe, setting)
        ]
        return fitted, f"{network.name} is changed for {data}: {listed(changes, 'and')}."
    return named, ""


@contextmanager
def progress_shown(unit: float = 1.0, suffix: str = "") -> Iterator[Progress]:
    """Show a bar on a terminal, elsewhere a line every few seconds unless the work is quick.

    Args:
        unit: The divisor of the figures.
        suffix: The unit after them, such as ``" MB"``.
    """
    if not paints(sys.stderr):
        yield _Lines(unit, suffix)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TimeRemainingColumn(),
    )
    bar = Bar(
        *columns,
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=4,
        # Lines for the same terminal go above the bar; lines for a file must not.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        yield _Bar(bar, unit, suffix)


class _Bar:
    def __init__(self, bar: Bar, unit: float, suffix: str) -> None:
        self._bar, self._unit, self._suffix = bar, unit, suffix
        self._task: TaskID | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        what = plain(what)
        if self._task is None:
            self._task = self._bar.add_task(what, total=total, count="")
        count = _count(done, total, self._unit, self._suffix)
        self._bar.update(self._task, description=what, completed=done, count=count)


class _Lines:
    def __init__(self, unit: float, suffix: str) -> None:
        self._unit, self._suffix, self._last = unit, suffix, time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            count = _count(done, total, self._unit, self._suffix)
            print_progress(f"{what}: {count}")


def _count(done: int, total: int, unit: float, suffix: str) -> str:
    return f"{done / unit:,.0f} of {total / unit:,.0f}{suffix}"
