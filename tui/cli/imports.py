"""``cnn-tui import FILE``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.words import count


class Written(msgspec.Struct, frozen=True):
    """The object of ``import --json``."""

    file: str
    """The architecture file."""
    name: str
    input: tuple[int, int, int]
    layers: int
    params: int
    valid: bool
    """Whether it can be trained as it is."""
    notes: tuple[str, ...]
    """What differs from the original."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="ARCH.toml",
    help="Default: named after FILE.",
)
@click.option(
    "--input", "size", type=options.VolumeType(), help="Size of the images, if FILE does not say."
)
@click.option("--name", default="", help="The network, if FILE holds several.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@options.as_json
def command(
    file: Path,
    output: Path | None,
    size: tuple[int, int, int] | None,
    name: str,
    force: bool,
    as_json: bool,
) -> None:
    """Convert an ONNX FILE, or source of PyTorch or Keras, to an architecture file.

    Of Python source (.py) it reads nn.Sequential, classes of nn.Module whose values part and join
    by torch.cat, + and *, and Sequential and functional models of Keras; of a .txt file what
    PyTorch prints of a module.
    Every layer needs a counterpart here; if one has none, it is named and nothing is written. The
    file is parsed, never run. Its weights are not imported: train the architecture again.
    """
    imported = import_network(file, size, name)
    output = output or Path(f"{file.stem}.toml")
    if output.exists() and not force:
        raise SpecError(f"{output} already exists.", "Name another with -o, or add --force.")
    save_network(imported.network, output)
    report = check(imported.network)
    written = Written(
        str(output),
        report.name,
        report.input,
        len(report.layers),
        report.total_params,
        report.valid,
        imported.notes,
    )
    if as_json:
        print_json(written)
    else:
        _print(written)


def _print(written: Written) -> None:
    print_line(
        f"wrote {written.file}: {count(written.layers, 'layer')}, "
        f"{written.params:,} parameters, for images of {format_shape(written.input)}, "
        "without weights"
    )
    for note in written.notes:
        print_line(f"note: {note}")
