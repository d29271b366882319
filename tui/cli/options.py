"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from cnn_tui.engine.cores import MOST_THREADS, THREADS_VARIABLE, default_threads
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.tui.cli import completing


class PathType(click.Path):
    """A path, but not the empty one of an unset variable of the shell: it would be this folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = PathType()


class PlaceType(click.ParamType[str]):
    """A path or pattern as it is typed, but no empty one."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value) if value != "" else self.fail("the path is empty", param, ctx)


PLACE = PlaceType()


runs_dir = click.option(
    "--runs-dir",
    type=PATH,
    metavar="DIR",
    default=runs_home,
    help="The folder of runs instead of the user's own.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

threads = click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    default=default_threads,
    envvar=THREADS_VARIABLE,
    metavar="N",
    help="Default: all cores.",
)

checkpoint_every = click.option(
    "--checkpoint-every",
    type=click.IntRange(1),
    metavar="N",
    help="Save a checkpoint every N steps as well as every minute.",
)

data = click.option(
    "--data",
    metavar="NAME",
    shell_complete=completing.datasets,
    help="This dataset, folder or file of one's own instead of the network's.",
)

log_every = click.option(
    "--log-every",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Seconds between progress lines (default: 60 if stdout is not a terminal).",
)

data_dir = click.option(
    "--data-dir",
    type=PATH,
    metavar="DIR",
    help="The folder of a dataset that is not built in.",
)

moved_data = click.option(
    "--data-dir",
    type=PATH,
    metavar="DIR",
    help="The folder of the data, if it was moved.",
)

on_hangup = click.option(
    "--on-hangup",
    type=click.Choice(["stop", "continue"]),
    default="stop",
    show_default=True,
    help="When the terminal is closed: stop with a checkpoint, or continue without a terminal.",
)

tensorboard = click.option(
    "--tensorboard",
    "tensorboard_dir",
    type=PATH,
    metavar="DIR",
    help="Also write TensorBoard files, into a folder of DIR named after the run.",
)

limit = click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="At most N images of each split."
)

per_class = click.option(
    "--per-class", type=click.IntRange(1), metavar="N", help="At most N images of each class."
)

skip_damaged = click.option(
    "--skip-damaged", is_flag=True, help="Skip damaged pictures of a folder."
)


class VolumeType(click.ParamType[tuple[int, int, int]]):
    """Three numbers: channels, height, width."""

    name = "C,H,W"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int]:
        """Parse ``3,227,227`` or ``3x227x227``."""
        sizes = re.fullmatch(r"([1-9]\d{0,5})[,x]([1-9]\d{0,5})[,x]([1-9]\d{0,5})", str(value))
        if sizes is None:
            self.fail(
                f"{value!r} is not channels, height and width, such as 3,227,227.", param, ctx
            )
        return int(sizes[1]), int(sizes[2]), int(sizes[3])
