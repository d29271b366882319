"""One name for a layer, a setting, a state: on all screens, in all commands; no internal codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from runs_made import until
from textual.widgets import Static

from cnn_tui.engine.runs.compare import Difference
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.layers import FC, LAYER_TYPES, Conv, Dropout, Residual
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.paths import (
    find_setting,
    setting_words,
    settings_of,
    value_words,
    with_setting,
)
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.tui.actions import COMMANDS
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.widgets.lines import Lines

MakeApp = Callable[..., CnnTuiApp]
ROOT = Path(__file__).parents[2]

PLAIN = ["pool", "max", "avg", "linear", "dense", "leaky", "sig", "depthwise", "shuffle"]
SHORT = {
    word
    for kind in LAYER_TYPES.values()
    for word in kind.info.words[1:]
    if len(word) > 1
    and word
    not in ("pool", "max", "avg", "linear", "dense", "leaky", "sig", "depthwise", "shuffle")
}
"""Names of layers that may be typed but are not shown; without words of plain English."""
OLD = re.compile(
    rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(SHORT)))}|globalavg)(?![\w-])"
    r'|"momentum"|\bnull\b|\btraining\.lr\b|\bover: '
)
CODES = re.compile(
    r"(?<![\w-])(?:input-scale|one-class-batches|loss-scale|zero-weights|l2-high|lr-high|non-finite"
    r"|dead-relus|lr-low|flat-loss|little-data|best-lost|not-kept|same-bits|other-bits)(?![\w-])"
)
EVERY = Network(
    name="every",
    layers=(
        Conv(out_channels=4, padding="same"),
        *(kind() for kind in LAYER_TYPES.values() if kind.info.keeps_shape and kind is not Dropout),
        Residual(branch=(Conv(out_channels=4, padding="same"),)),
        *parse_quick("drop 0.3 | avgpool 2 | pool 2 | gap"),
        FC(out_features=10),
    ),
    training=Recipe(epochs=1),
)


def clean_of_old_names(shown: str) -> None:
    assert not OLD.search(shown), (OLD.findall(shown), shown)
    assert not CODES.search(shown), (CODES.findall(shown), shown)


def test_a_layer_is_written_by_its_type_and_read_by_all_its_names() -> None:
    for name, kind in LAYER_TYPES.items():
        assert kind.info.words[0] == name
        example = kind.info.example or kind.info.words[0]
        assert example.split()[0] == kind.info.words[0]
        for word in kind.info.words:
            line = re.sub(r"^\S+", word, example)
            assert parse_quick(line) == parse_quick(example)
    clean_of_old_names(to_quick(EVERY.layers))


def test_settings_and_values_are_words_that_read_back() -> None:
    network = EVERY
    for path, value in settings_of(network).items():
        if path.startswith(("training.", "loss.", "input")) and path != "loss.type":
            assert find_setting(network, setting_words(path)) == path
            assert with_setting(network, path, value_words(value)) == network
            clean_of_old_names(f"{setting_words(path)} {value_words(value)}")
    words = Difference("training.optimizer", ('"momentum"', "null", "true", "[3,32,32]", "0.1"))
    assert words.words == ("momentum", "off", "yes", "3x32x32", "0.1")


def test_no_code_is_put_into_a_text() -> None:
    """In f-strings of the app and the commands; codes of the engine are for programs."""
    for file in (ROOT / "tui").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Attribute):
                assert node.value.attr != "code", f"{file}, line {node.lineno}"


def test_help_and_keys_use_the_names() -> None:
    clean_of_old_names("\n".join(f"{row.label} {row.help}" for row in COMMANDS))


@pytest.mark.slow
def test_commands_use_the_names(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_network(EVERY, tmp_path / "every.toml")
    for line in (
        "check every",
        "train every",
        "train two-layer --epochs 1 --lr 20",
        "reproduce every-1 --set optimizer=adam",
        "reproduce every-1",
        "runs --size",
        "runs states every-1",
        "compare every-1 every-2 two-layer-1",
        "export every-1",
        "presets",
        "data",
        "bench every --steps 1",
        "preflight two-layer",
        "templates two-layer-1",
    ):
        words = line.split()
        runs = ["--runs-dir", "runs"] if words[0] in RUN_COMMANDS else []
        at = 1 if words[0] == "runs" else len(words)
        code, out, err = cli(*words[:at], *runs, *words[at:])
        assert code in (0, 1), (line, err)
        clean_of_old_names(out + err)
    for name in ("pytorch", "import", "check"):
        clean_of_old_names(cli(name, "--help").out)


RUN_COMMANDS = ("train", "reproduce", "runs", "compare", "export", "templates")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_screens_use_the_names(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(EVERY)
    async with app.run_test(size=size) as pilot:
        for keys in (
            ("home", "end"),
            ("v",),
            ("slash", *"conv ", "escape"),
            ("question_mark",),
            ("f6",),
            ("f7",),
            ("2",),
            ("3",),
        ):
            await pilot.press(*keys)
            await until(pilot, lambda: bool(app.screen.is_mounted))
            await pilot.pause()
            clean_of_old_names(shown(app))
            if len(app.screen_stack) > 1:
                await pilot.press("escape")
                await pilot.pause()


def shown(app: CnnTuiApp) -> str:
    lines = (
        widget.render_line(y).text
        for widget in app.screen.query(Lines)
        for y in range(widget.content_size.height)
    )
    statics = (str(widget.content) for widget in app.screen.query(Static))
    return "\n".join((*lines, *statics))
