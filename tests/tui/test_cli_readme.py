"""The README says what the code does: its keys, its commands and its example."""

from __future__ import annotations

import re
from pathlib import Path

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import loads_network
from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.tui.actions import (
    APP,
    BUILD,
    COMPARE,
    DATA,
    LADDER,
    LIST,
    RUNS,
    TRAIN,
    WATCH,
    WEIGHTS,
    commands,
    key_words,
)
from cnn_tui.tui.cli.group import COMMANDS

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_keys_are_those_of_the_app() -> None:
    table = README.partition("<!-- keys -->")[2].partition("<!-- /keys -->")[0]
    groups = (
        ("Build", (LIST, BUILD)),
        ("Train", (TRAIN,)),
        ("Runs", (RUNS,)),
        ("a run that is watched", (WATCH,)),
        ("a comparison", (COMPARE,)),
        ("first-layer weights", (WEIGHTS,)),
        ("datasets", (DATA,)),
        ("baselines", (LADDER,)),
        ("everywhere", (APP,)),
    )
    rows = [
        f"| {where} | `{key_words(command)}` | {command.help} |"
        for where, scopes in groups
        for command in commands(*scopes)
        if command.help
    ]
    assert table.split("\n")[3:-1] == rows


def test_example_is_a_valid_network() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert check(loads_network(example, "README.md"), classes=10).valid


def test_every_kind_of_layer_and_every_command_is_named() -> None:
    for kind in LAYER_TYPES:
        assert f"`{kind}`" in README
    for name in COMMANDS:
        assert f"| `cnn-tui {name}" in README
