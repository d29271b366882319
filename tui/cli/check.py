"""``cnn-tui check ARCH``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cnn_tui.engine.errors import ShapeError, SpecError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import dims
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.specs.report import Issue, LayerReport, Report
from cnn_tui.engine.specs.wording import plain
from cnn_tui.tui.cli.output import print_json, print_line, print_table

_HEADER = ("#", "layer", "name", "settings", "output", "params", "MACs", "field")
_COUNTS = ("params", "MACs", "field")
_WORDS = ("name", "settings")


@click.command("check")
@click.argument("arch")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(arch: str, as_json: bool) -> int:
    """Say whether the layers of ARCH, a preset or a TOML file, fit, and what they cost.

    Exit code 0 if the network is valid, 1 if not; the report is printed either way.
    """
    try:
        report = check(resolve(arch))
    except SpecError as error:
        if as_json:
            print_json(unreadable(arch, error))
        raise
    if as_json:
        print_json(report)
    else:
        print_report(report)
    if not report.valid:
        raise ShapeError(_first_issue(report))
    return 0


def unreadable(arch: str, error: SpecError) -> Report:
    """A report on a network that could not be read at all."""
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


def print_report(report: Report) -> None:
    """The layers as a table, the totals, then every issue with what would mend it."""
    first = ("0", "input", "", "", dims(report.input), "", "", "1")
    print_table(_HEADER, [first, *_rows(report.layers)], right=_COUNTS, wrap=_WORDS)
    print_line(f"{report.total_params:,} parameters, {report.total_macs:,} multiply-adds an image")
    for issue in report.issues:
        print_line(f"! {plain(issue.message)}")
        for fix in issue.fixes:
            print_line(f"  - {plain(fix.description)}")


def _rows(
    layers: tuple[LayerReport, ...], within: str = "", owner: str = ""
) -> Iterator[tuple[str, ...]]:
    for layer in layers:
        number = f"{within}{layer.index}"
        yield (
            number,
            layer.type,
            layer.name.removeprefix(owner),
            layer.settings,
            "?" if layer.output is None else dims(tuple(layer.output)),
            f"{layer.params:,}" if layer.params else "",
            f"{layer.macs:,}" if layer.macs else "",
            "" if layer.receptive_field is None else str(layer.receptive_field),
        )
        yield from _rows(layer.branch, f"{number}.", f"{layer.name}.")
        yield from _rows(layer.shortcut, f"{number}+", f"{layer.name}.")


def _first_issue(report: Report) -> str:
    first, *others = report.issues
    more = f" ({len(others)} more)" if others else ""
    return f"{report.name}: {first.message}{more}"
