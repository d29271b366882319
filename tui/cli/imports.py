"""``cnn-tui import FILE``."""

from __future__ import annotations

import math
from pathlib import Path

import click
import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_compare import largest_difference
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.result import Imported
from cnn_tui.engine.importing.weights import import_weights
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.imported import Pixels
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.words import count

_ALIKE = 1e-4
"""Differences to onnxruntime up to which rounding explains them."""


class Written(msgspec.Struct, frozen=True):
    """The object of ``import --json``."""

    file: str
    """The architecture file."""
    name: str
    input: tuple[int, int, int]
    layers: int
    params: int
    valid: bool
    """Whether the network can be trained as it is."""
    notes: tuple[str, ...]
    """Differences from the original, as sentences."""
    run: str | None = None
    """The run that holds the weights; null for an architecture alone."""
    difference: float | None = None
    """The largest difference to onnxruntime on random pixels, as a share of the largest score."""


class NumbersType(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them, one for each channel or one for all."""

    name = "NUMBER,..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Parse ``0.485,0.456,0.406``."""
        try:
            numbers = tuple(map(float, str(value).split(",")))
        except ValueError:
            numbers = ()
        if not numbers or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} is not numbers, such as 0.485,0.456,0.406.", param, ctx)
        return numbers


@click.command("import")
@click.argument("file", type=options.PATH)
@click.option(
    "-o",
    "--output",
    type=options.PATH,
    metavar="ARCH.toml",
    help="Default: named after FILE.",
)
@click.option(
    "--input", "size", type=options.VolumeType(), help="Size of the images, if FILE does not say."
)
@click.option("--name", default="", help="The network, if FILE holds several.")
@click.option(
    "--into",
    metavar="ARCH",
    shell_complete=completing.archs,
    help="The preset or file of the network whose weights alone FILE holds.",
)
@click.option("--architecture-only", is_flag=True, help="Keep no weights.")
@click.option(
    "--mean", type=NumbersType(), help="What FILE wants subtracted from pixels of 0 to 1."
)
@click.option("--std", type=NumbersType(), help="By what FILE wants them divided then.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@options.as_json
@options.runs_dir
def command(
    file: Path,
    output: Path | None,
    size: tuple[int, int, int] | None,
    name: str,
    into: str | None,
    architecture_only: bool,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    force: bool,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """Convert an ONNX FILE, or source of PyTorch or Keras, to an architecture file.

    With --into, FILE holds weights alone: a .safetensors file, or a .pt or .pth file, for which
    PyTorch has to be installed. They are kept as a run.

    The weights of an ONNX file are kept as a run, which predict, inspect, train and export open.
    Where onnxruntime is installed, the scores of both are compared.

    Of Python source (.py) it reads nn.Sequential, classes of nn.Module whose values part and join
    by torch.cat, + and *, and Sequential and functional models of Keras; of a .txt file what
    PyTorch prints of a module. Every layer needs a counterpart here; those that have none are
    named, and nothing is written. The file is parsed, never run.
    """
    if into is not None:
        if output or size or name or architecture_only:
            raise click.UsageError(
                "--into takes the network from ARCH: leave out --output, --input, --name and "
                "--architecture-only."
            )
        _import_weights(file, into, runs_dir, mean, std, as_json=as_json)
        return
    imported = import_network(file, size, name)
    output = output or Path(f"{file.stem}.toml")
    if output.exists() and not force:
        raise SpecError(f"{output} already exists.", "Name another with -o, or add --force.")
    run = difference = None
    if not architecture_only and imported.held is not None:
        difference = largest_difference(file, imported)
        run = _kept(file, imported, runs_dir, mean, std)
    save_network(imported.network, output)
    written = _written(imported, output, run, difference)
    if as_json:
        print_json(written)
    else:
        _print(written, imported, told=bool(mean or std))


def _import_weights(
    file: Path,
    arch: str,
    runs_dir: Path,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    *,
    as_json: bool,
) -> None:
    pixels = Pixels(mean or (0.0,), std or (1.0,)) if mean or std else None
    imported = import_weights(file, resolve(arch), pixels)
    run = _kept(file, imported, runs_dir, None, None)
    written = _written(imported, run.network_file, run, None)
    if as_json:
        print_json(written)
        return
    print_line(
        f"kept the weights as the run {written.run}: {written.name}, "
        f"{written.params:,} parameters, for images of {format_shape(written.input)}"
    )
    for note in written.notes:
        print_line(f"note: {note}")


def _kept(
    file: Path,
    imported: Imported,
    runs_dir: Path,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> RunFolder:
    held = imported.held
    assert held is not None
    if not (mean or std):
        return imported.keep(runs_dir, file.name)
    if held.pixels != Pixels():
        raise SpecError(f"{file} normalises its pixels itself.", "Leave out --mean and --std.")
    return imported.keep(runs_dir, file.name, Pixels(mean or (0.0,), std or (1.0,)))


def _written(
    imported: Imported, output: Path, run: RunFolder | None, difference: float | None
) -> Written:
    report = check(imported.network)
    return Written(
        str(output),
        report.name,
        report.input,
        len(report.layers),
        report.total_params,
        report.valid,
        imported.notes,
        run.name if run else None,
        difference,
    )


def _print(written: Written, imported: Imported, *, told: bool) -> None:
    print_line(
        f"wrote {written.file}: {count(written.layers, 'layer')}, "
        f"{written.params:,} parameters, for images of {format_shape(written.input)}"
        f"{'' if written.run else ', without weights'}"
    )
    if written.run:
        print_line(f"kept its weights as the run {written.run}")
    if written.difference is not None:
        print_line(
            "compared with onnxruntime on random pixels: the largest difference is "
            f"{written.difference:.1e} of the largest score"
        )
        if written.difference > _ALIKE:
            print_line("note: rounding does not explain this; the networks differ")
    if written.run and imported.held and imported.held.pixels == Pixels() and not told:
        print_line(
            "note: the file does not say how pixels were normalised: those from 0 to 1 are taken "
            "as they are; --mean and --std tell it"
        )
    for note in written.notes:
        print_line(f"note: {note}")
