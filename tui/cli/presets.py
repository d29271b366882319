"""``cnn-tui presets``."""

from __future__ import annotations

import re

import click
import msgspec

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui.cli.output import print_json, print_table


class PresetEntry(msgspec.Struct, frozen=True):
    """An entry of ``presets --json``; ``input`` is ``(C, H, W)``."""

    name: str
    input: tuple[int, int, int]
    params: int
    description: str


@click.command("presets")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, with the sources.")
def command(as_json: bool) -> None:
    """List the built-in networks."""
    presets = [_summary(name) for name in preset_names()]
    if as_json:
        print_json(presets)
        return
    rows = [
        (p.name, format_shape(p.input), f"{p.params:,}", _briefly(p.description)) for p in presets
    ]
    print_table(
        ("name", "input", "params", "description"), rows, right=("params",), wrap=("description",)
    )


def _summary(name: str) -> PresetEntry:
    network = load_preset(name)
    return PresetEntry(name, network.input, check(network).total_params, network.description)


def _briefly(description: str) -> str:
    """Leave out the number of parameters, which has its own column, and the source."""
    return re.sub(r"(, [\d,]+ parameters)? \([^()]*\)\.$", ".", description)
