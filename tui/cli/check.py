"""``cnn-tui check ARCH...``."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import click
import msgspec

from cnn_tui.engine.errors import CnnTuiError, ShapeError, SpecError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.inside import number, place_of
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.specs.report import Issue, LayerReport, Report
from cnn_tui.engine.specs.unused import unused_settings
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_error, print_json, print_line, print_note, print_table

_HEADER = ("#", "layer", "name", "settings", "output", "params", "MACs", "field")
_COUNTS = ("params", "MACs", "field")
_WORDS = ("name", "settings")
_SPARE = ("name", "field")
_WRONG, _OPEN, _GOOD = "bold red", "dim", "green"


@click.command("check")
@click.argument(
    "archs", shell_complete=completing.archs, metavar="ARCH...", nargs=-1, required=True
)
@click.option("--input", "shape", type=options.VolumeType(), help="Check with images of this size.")
@click.option("--json", "as_json", is_flag=True, help="Print each report as a line of JSON.")
def command(archs: tuple[str, ...], shape: tuple[int, int, int] | None, as_json: bool) -> int:
    """Check whether the layers of each ARCH, a preset or a TOML file, fit, and what they cost.

    Exit code 0 if every network is valid, 1 if not; the reports are printed either way.
    """
    errors: list[CnnTuiError] = []
    for arch in archs:
        report, error = _checked(arch, shape, len(archs) > 1)
        if as_json:
            print_json(report)
        elif not isinstance(error, SpecError):
            print_report(report, arch if len(archs) > 1 else "")
        errors += [error] if error else []
    for error in errors[:-1]:
        print_error(str(error))
    if errors:
        raise errors[-1]
    return 0


def unreadable(arch: str, error: SpecError) -> Report:
    """Return a report on a network that cannot be read."""
    issue = Issue(layer=0, code="unreadable", message=str(error), fixes=(), path="")
    return Report(
        name=arch,
        valid=False,
        input=(0, 0, 0),
        layers=(),
        total_params=0,
        total_macs=0,
        issues=(issue,),
    )


def print_report(report: Report, title: str = "") -> None:
    """Print the layers as a table, the totals, then every issue with its fixes."""
    if title:
        print_line(f"{title}:", "bold")
    wrong = {number(place_of(issue.path)) for issue in report.issues}
    first = ("0", "input", "", "", format_shape(report.input), "", "", "1")
    rows = [first, *_rows(report.layers, wrong)]
    styles = [_WRONG if "!" in row[4] else _OPEN if row[4] == "?" else "" for row in rows]
    print_table(_HEADER, rows, right=_COUNTS, wrap=_WORDS, styles=styles, spare=_SPARE)
    print_line(_totals(report))
    for issue in report.issues:
        print_line(f"! {issue.message}", _WRONG)
        for fix in issue.fixes:
            print_line(f"  - {fix.description}", _GOOD)


def _totals(report: Report) -> str:
    known = report.known_layers
    if len(known) == len(report.layers):
        return f"{report.total_params:,} parameters, {report.total_macs:,} multiply-adds an image"
    if not known:
        return "no totals: the first layer does not fit"
    params, macs = sum(layer.params for layer in known), sum(layer.macs for layer in known)
    return f"up to layer {len(known)}: {params:,} parameters, {macs:,} multiply-adds an image"


def _rows(
    layers: tuple[LayerReport, ...], wrong: Collection[str], within: str = "", owner: str = ""
) -> Iterator[tuple[str, ...]]:
    for layer in layers:
        where = f"{within}{layer.index}"
        output = "?" if layer.output is None else format_shape(tuple(layer.output))
        yield (
            where,
            layer.type,
            layer.name.removeprefix(owner),
            layer.settings,
            f"! {output}" if where in wrong else output,
            f"{layer.params:,}" if layer.params else "",
            f"{layer.macs:,}" if layer.macs else "",
            "" if layer.receptive_field is None else str(layer.receptive_field),
        )
        # Of repeated layers the first copy stands for all.
        for at, inner in enumerate(layer.inner[: 1 if layer.type == "repeat" else None]):
            sign = "+" if layer.shortcut and at else number((0, at, 0))[1:-1]
            yield from _rows(inner, wrong, f"{where}{sign}", f"{layer.name}.")


def _checked(
    arch: str, shape: tuple[int, int, int] | None, is_one_of_many: bool
) -> tuple[Report, CnnTuiError | None]:
    """Return the report, and the error that ends the command if the network is invalid."""
    try:
        network = resolve(arch)
    except SpecError as error:
        return unreadable(arch, error), error
    for sentence in unused_settings(network.training).values():
        print_note(f"{arch}: {sentence}" if is_one_of_many else sentence)
    # Images of another size than the data's are asked for by name.
    report = (
        check(msgspec.structs.replace(network, input=shape)) if shape else check_with_data(network)
    )
    if report.valid:
        return report, None
    first, *others = report.issues
    more = f" ({len(others)} more)" if others else ""
    name = arch if is_one_of_many else report.name
    return report, ShapeError(f"{name}: {first.message}{more}")
