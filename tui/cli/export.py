"""``cnn-tui export RUN``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.export.tables import csv_lines, further_names, json_lines, rows
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_line

_TABLES = ("csv", "json")
_TENSORBOARD = "tensorboard"
_NETWORKS = {"safetensors": ".safetensors", "pytorch": ".py", "onnx": ".onnx"}


@click.command("export")
@click.argument("run", shell_complete=completing.runs)
@click.option(
    "--format",
    "kind",
    type=click.Choice([*_TABLES, _TENSORBOARD, *_NETWORKS]),
    default="csv",
    show_default=True,
    help="csv, json and tensorboard write the figures, the others the network.",
)
@click.option("--output", type=options.PATH, metavar="PATH", help="The file or folder to write.")
@click.option("--steps", is_flag=True, help="Write the figures of every step, not epoch.")
@click.option(
    "--state",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="The checkpoint to export.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@options.runs_dir
def command(
    run: str, kind: str, output: Path | None, steps: bool, state: str, force: bool, runs_dir: Path
) -> None:
    """Write the figures or the network of RUN for other programs.

    csv and json go to standard output unless a PATH is given, networks to a file named after the
    run. pytorch writes a module as readable source, with a name that Python can import (lenet5_1.py
    for lenet5-1), and its weights beside it; tensorboard writes every step into a folder named
    after the run, inside the folder PATH or tensorboard.
    """
    folder = open_run(runs_dir, run)
    if kind in _TABLES:
        _write_table(folder, kind, output, steps, force)
        return
    if kind == _TENSORBOARD:
        _write_tensorboard(folder, output or Path(_TENSORBOARD), force)
        return
    output = output or Path(f"{_stem(run, kind)}{_NETWORKS[kind]}")
    writers = dict(_writers(folder, kind, output, state))
    for path, write in writers.items():
        if write:
            _require_free(path, force)
    for path, write in writers.items():
        if write:
            write(path)
        print_line(f"wrote {path}" if write else f"kept {path}: it has these weights already")


def _stem(run: str, kind: str) -> str:
    from cnn_tui.engine.export.modules import module_name

    return module_name(run) if kind == "pytorch" else run


def _write_table(
    folder: RunFolder, kind: str, output: Path | None, steps: bool, force: bool
) -> None:
    table = rows(folder, steps=steps)
    if kind == "csv":
        # Read twice, rather than held: a header names all columns first.
        further = further_names(rows(folder, steps=steps))
        lines = csv_lines(table, steps=steps, further=further)
    else:
        lines = json_lines(table)
    if output is None:
        sys.stdout.writelines(lines)
        return
    _require_free(output, force)
    _write(output, (line.encode() for line in lines))
    print_line(f"wrote {output}")


def _write_tensorboard(folder: RunFolder, root: Path, force: bool) -> None:
    from cnn_tui.engine.export.tensorboard import make_root, write_tensorboard

    make_root(root)
    target = root / folder.name
    _require_free(target, force)
    write_tensorboard(folder, target)
    print_line(f"wrote {target}; tensorboard --logdir {root} shows it")


def _writers(
    folder: RunFolder, kind: str, output: Path, which: str
) -> Iterator[tuple[Path, Callable[[Path], object] | None]]:
    # Imported here: a table needs neither a model nor NumPy.
    from cnn_tui.engine.export.modules import holds_weights, write_weights
    from cnn_tui.engine.export.onnx_graph import write_onnx
    from cnn_tui.engine.export.pytorch import torch_source
    from cnn_tui.engine.export.states import read_state

    state = read_state(folder, "best" if which == "best" else "last")
    if kind == "onnx":
        yield output, lambda path: write_onnx(state, path)
        return
    weights = output.with_suffix(".safetensors")
    if kind == "pytorch":
        if output == weights:
            raise click.UsageError(f"{output} is the file of the weights: name the source *.py.")
        source = torch_source(state, weights.name, output.stem).encode()
        yield output, lambda path: _write(path, [source])
    held = holds_weights(state, weights)
    yield weights, None if held else lambda path: write_weights(state, path)


def _write(path: Path, parts: Iterable[bytes]) -> None:
    try:
        replace_file(Storage(), path, parts)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}.") from None


def _require_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise RunError(f"{path} already exists.", "Name another with --output, or add --force.")
