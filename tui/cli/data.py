"""``cnn-tui data``: list, show and download datasets."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from cnn_tui.engine.data.catalog import DatasetEntry, entries, find_name
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.fetch import MIRROR_VARIABLE, fetch
from cnn_tui.engine.data.sources import SOURCES
from cnn_tui.engine.data.statistics import Statistics, findings, first_of_each, measure, to_bytes
from cnn_tui.engine.data.subset import subset_of
from cnn_tui.engine.data.taking import take
from cnn_tui.engine.data.understanding import form_of
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.wording import did_you_mean, show
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.drawing import draw_sheet, looks_on, terminal
from cnn_tui.tui.cli.loading import load, progress_shown
from cnn_tui.tui.cli.option_groups import Reading, reading
from cnn_tui.tui.cli.output import print_json, print_line, print_table
from cnn_tui.tui.samples import Exhibit, sheet
from cnn_tui.tui.terminal.half_blocks import Picture

_PICTURE = 16
"""Longest side of a picture, in characters."""
_MOST_PICTURES = 20
_BAR = 24
"""Columns of the bar of the largest class."""


class Fetched(msgspec.Struct, frozen=True):
    """The object of ``data fetch --json``."""

    name: str
    folder: str
    bytes: int
    seconds: float


@click.group("data", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List, show and download datasets; without a command, list them."""
    if context.invoked_subcommand is None:
        _list(as_json=False)
        print_line("")
        print_line("cnn-tui data show NAME shows its contents, data fetch NAME downloads it.")


@command.command("list")
@options.as_json
def list_command(as_json: bool) -> None:
    """List the datasets."""
    _list(as_json)


def _list(as_json: bool) -> None:
    if as_json:
        print_json(entries())
        return
    header = ("name", "images", "count", "classes", "", "description")
    rows = [_row(entry) for entry in entries()]
    print_table(header, rows, right=("count", "classes"), wrap=("", "description"))


def _row(entry: DatasetEntry) -> tuple[str, ...]:
    state = "here" if entry.ready else f"{entry.download_bytes / 1e6:,.0f} MB to download"
    return (
        entry.name,
        format_shape(entry.input) if entry.input else "any",
        f"{entry.images:,}" if entry.images else "any",
        str(entry.classes or "any"),
        state if entry.ready or entry.download_bytes else "--data-dir",
        entry.description,
    )


@command.command("show")
@click.argument("name", shell_complete=completing.datasets)
@reading
@click.option(
    "--size",
    type=click.IntRange(4, 1024),
    default=32,
    show_default=True,
    help="Side to which the pictures of a folder are resized.",
)
@click.option("--grey", is_flag=True, help="Read the pictures of a folder in grey.")
@options.limit
@options.per_class
@click.option(
    "--seed", type=click.IntRange(0), default=0, metavar="N", help="Seed of --limit, --per-class."
)
@options.as_json
def show_command(
    name: str,
    reading: Reading,
    size: int,
    grey: bool,
    limit: int | None,
    per_class: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Show what is in the dataset NAME, or in a folder or file of one's own.

    Prints its form, sizes, classes and what is doubtful: images that are twice in it, images of a
    single brightness, splits that are scaled differently.
    """
    shape = (1 if grey else 3, size, size)
    dataset = load(name, shape, reading)
    dataset = subset_of(dataset, limit, per_class, seed)
    statistics = measure(dataset, form_of(name, reading.data_dir))
    if as_json:
        print_json(statistics)
        return
    _print_statistics(statistics)
    console = terminal()
    if console:
        draw_sheet(console, sheet(_pictures(dataset, statistics), looks_on(console, _PICTURE)))


def _print_statistics(statistics: Statistics) -> None:
    form = f", {statistics.form}" if statistics.form else ""
    print_line(
        f"{statistics.name}{form}: {statistics.train:,} images to train, {statistics.val:,} to "
        f"validate, {statistics.test:,} to test"
    )
    print_line(
        f"{format_shape(statistics.input)} (channels x height x width), {statistics.dtype} from "
        f"{statistics.low:g} to {statistics.high:g}, mean {_figures(statistics.mean)}, deviation "
        f"{_figures(statistics.std)}"
    )
    found = findings(statistics)
    for sentence in found:
        print_line(f"! {sentence}", "yellow")
    for example in statistics.repeats.examples if statistics.repeats else ():
        print_line(
            f"  {example.split} image {example.index} ({example.label}) is {example.first_split} "
            f"image {example.first_index} ({example.first_label})"
        )
    for split, index, label in statistics.flat.examples if statistics.flat else ():
        print_line(f"  {split} image {index} ({label}) is nearly of a single brightness")
    if not found:
        print_line("No image is in two splits, none is of a single brightness.")
    most = max((count.train for count in statistics.classes), default=0)
    rows = [
        (
            count.name,
            f"{count.train:,}",
            f"{count.val:,}",
            f"{count.test:,}",
            "#" * math.ceil(_BAR * count.train / max(1, most)),
        )
        for count in statistics.classes
    ]
    header = ("class", "train", "val", "test", "")
    print_table(header, rows, right=header[1:4], spare=("",))


def _figures(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def _pictures(dataset: Dataset, statistics: Statistics) -> Iterator[Exhibit]:
    """Draw the first image of each class above its name."""
    train = dataset.train
    for index in first_of_each(train, len(dataset.classes))[:_MOST_PICTURES]:
        image = to_bytes(train.images[index], statistics.low, statistics.high)
        yield Exhibit(Picture(image), (dataset.classes[train.labels[index]],))


@command.command("fetch")
@click.argument("name", shell_complete=completing.datasets)
@click.option(
    "--data-dir",
    type=options.PATH,
    metavar="DIR",
    help="Folder for the files; later commands need the same option.",
)
@click.option(
    "--mirror",
    metavar="URL",
    help=f"Download from URL/NAME/FILE instead of the official hosts (or set {MIRROR_VARIABLE}).",
)
@click.option(
    "--from",
    "given",
    type=options.PATH,
    metavar="PATH",
    multiple=True,
    help="Take a file that was downloaded elsewhere, or those of a folder; may be repeated.",
)
@options.as_json
def fetch_command(
    name: str, data_dir: Path | None, mirror: str | None, given: tuple[Path, ...], as_json: bool
) -> None:
    """Download the dataset NAME, or its missing files.

    Call it again to resume an interrupted download.
    """
    if given and mirror:
        raise click.UsageError("--from downloads nothing, --mirror does: choose one.")
    known = _fetchable(name)
    began = time.monotonic()
    if given:
        folder = take(known, given, data_dir)
    else:
        with progress_shown(1e6, " MB") as progress:
            folder = fetch(known, data_dir, mirror=mirror, progress=progress)
    seconds = time.monotonic() - began
    size = sum((folder / file.name).stat().st_size for file in SOURCES[known].files)
    if as_json:
        print_json(Fetched(known, str(folder), size, round(seconds, 2)))
    else:
        print_line(f"{known}: {size / 1e6:,.1f} MB in {folder}, all checksums match.")


def _fetchable(name: str) -> str:
    known = find_name(name)
    if known in SOURCES:
        return known
    if known is not None:
        raise DataError(
            f"The dataset {known} needs no download.", f"See cnn-tui data show {known}."
        )
    hint = did_you_mean(name, SOURCES, "cnn-tui data list shows all of them.")
    raise DataError(f"There is no dataset called {show(name)} to download.", hint)
