"""Small parts that many screens and commands share: figures, errors, tables, charts as text."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from textual import events
from textual.app import App, ComposeResult

from cnn_tui.engine.baselines.record import BaselineResult
from cnn_tui.engine.baselines.validation import CrossValidation, KScore
from cnn_tui.engine.errors import SpecError
from cnn_tui.tui.cli.rungs import print_ladder
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.terminal import measuring, modes
from cnn_tui.tui.threads import readable
from cnn_tui.tui.widgets.inputs import ValueInput
from cnn_tui.tui.widgets.run_panels import Figures
from cnn_tui.tui.widgets.table import Column, Table, TableRow
from cnn_tui.tui.words import clock, duration, figure, short


def test_figures_of_any_size() -> None:
    assert [short(value) for value in (0.0812, 12.34, 1e4, math.inf, math.nan)] == [
        "0.081",
        "12.34",
        "1e+04",
        "inf",
        "nan",
    ]
    assert [figure(value) for value in (0.0812, 12.34, 5.9e30, math.inf)] == [
        "0.0812",
        "12.34",
        "5.9e+30",
        "inf",
    ]
    assert [clock(seconds) for seconds in (None, math.inf, 48, 725, 11_231)] == [
        "-:--",
        "-:--",
        "0:48",
        "12:05",
        "3:07:11",
    ]
    assert [duration(seconds) for seconds in (0, 1.1e-5, 0.00164, 8.3, 725)] == [
        "none",
        "0.011 ms",
        "1.64 ms",
        "8.30 s",
        "12:05",
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SpecError("No."), "No."),
        (PermissionError(13, "Permission denied", "net.toml"), "net.toml: permission denied"),
        (OSError(28, "No space left on device"), "A file: no space left"),
        (MemoryError(), "Out of memory."),
        (KeyError("x"), "Internal error: KeyError('x')."),
    ],
)
def test_whatever_fails_on_a_thread_is_one_readable_line(error: Exception, words: str) -> None:
    assert str(readable(error)).lower().startswith(words.lower())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    ("answer", "columns"), [(b"\x1b[1;2R", 1), (b"k\x1b[12;3R", 2), (b"", None)]
)
def test_a_terminal_is_asked_how_wide_a_glyph_is(
    answer: bytes, columns: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer, inner = os.openpty()
    monkeypatch.setattr(measuring, "_PATIENCE", 0.01)
    with os.fdopen(inner, "r+b", buffering=0) as file:
        texts: list[str] = []
        stream = SimpleNamespace(
            isatty=lambda: True,
            fileno=file.fileno,
            write=texts.append,
            flush=lambda: os.write(outer, answer) if len(texts) == 1 else None,
        )
        monkeypatch.setattr(measuring.sys, "stdin", stream)
        monkeypatch.setattr(measuring.sys, "stdout", stream)
        assert measuring.width_of("●") == columns
        assert texts == ["\r●\x1b[6n", "\r\x1b[K"], "it is erased again"
    os.close(outer)


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring.sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert measuring.width_of("●") is None


def table(*keys: str) -> Table:
    made = Table((Column("run"), Column("accuracy", right=True)))
    made.records = tuple(TableRow(key, (key, f"{at}%")) for at, key in enumerate(keys))
    return made


def texts(lines: object) -> list[str]:
    assert isinstance(lines, list)
    return ["".join(text for text, *_ in line) for line in lines]


def renewed(made: Table, *keys: str) -> str:
    """The record under the cursor after other records came."""
    made.records = table(*keys).records
    return made.chosen


async def test_the_cursor_of_a_table_stays_on_its_record() -> None:
    async with App[None]().run_test() as pilot:
        made = table("a", "b", "c")
        await pilot.app.mount(made)
        made.choose("b")
        assert renewed(made, "new", "a", "b") == "b"
        made.choose("gone")
        assert made.chosen == "b", "a key that is not there moves nothing"
        assert renewed(made, "new") == "new"
        assert renewed(made) == "" and renewed(made, "first", "second") == "first"


def test_a_narrow_table_leaves_out_columns_and_at_last_narrows_the_first() -> None:
    made = table("a-rather-long-name-of-a-run", "b")
    wide, narrow = (texts(made.lines(width, 5)) for width in (60, 20))
    assert "accuracy" in wide[0] and "1%" in wide[2]
    assert all(len(line) <= 20 for line in narrow) and "a-rathe" in narrow[1]


def test_an_empty_table_says_why() -> None:
    made = table()
    made.empty = "no runs yet"
    assert texts(made.lines(40, 6))[-1].strip() == "no runs yet"


@pytest.mark.parametrize(
    ("y", "chain", "chosen", "opened"),
    [(0, 1, "a", 0), (2, 1, "b", 0), (1, 2, "a", 1), (9, 1, "a", 0)],
)
def test_a_click_selects_and_a_second_one_opens(
    y: int, chain: int, chosen: str, opened: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, posted = table("a", "b"), list[object]()
    monkeypatch.setattr(made, "post_message", posted.append)
    monkeypatch.setattr(made, "place_of", lambda event: (3, event.y))
    click = events.Click(made, 3, y, 0, 0, 1, False, False, False, chain=chain)
    made.on_click(click)
    assert made.chosen == chosen
    assert sum(isinstance(message, Table.Chosen) for message in posted) == opened


LINEAR = BaselineResult(
    baseline="linear-svm",
    data="digits",
    test_accuracy=0.9,
    train_seconds=700.0,
    predict_ms_per_image=0.02,
    params=650,
    train_images=10,
    test_images=5,
    threads=1,
    run="svm-1",
)
SCORES = CrossValidation((KScore(1, (0.5,), 0.5, 0.01), KScore(3, (1.0,), 1.0, 0.0)), 3, 10)
NEIGHBOURS = msgspec.structs.replace(
    LINEAR, baseline="knn", params=0, k=3, metric="L1", cross_validation=SCORES, run=""
)


def test_one_baseline_has_no_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    print_ladder([LINEAR], tmp_path)
    assert capsys.readouterr().out == ""
    print_ladder([NEIGHBOURS], tmp_path)
    out = capsys.readouterr().out
    assert "L1 neighbours, mean of five folds" in out and "12:05" not in out
    assert f"k = 3 |{'#' * 30}| 100.00% ± 0.00%" in out


def test_on_a_terminal_baselines_are_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    monkeypatch.setattr(
        "cnn_tui.tui.cli.rungs.terminal", lambda: Console(width=80, force_terminal=True)
    )
    print_ladder([LINEAR, NEIGHBOURS], tmp_path)
    out = capsys.readouterr().out
    assert "linear-svm" in out and "11:40" in out and "━" in out
    assert "svm-1" in out, "the pictures of a run that is gone are told in a line"


async def test_a_choice_is_cycled_by_keys_and_clicks_and_takes_no_text() -> None:
    class Form(App[None]):
        def compose(self) -> ComposeResult:
            yield ValueInput("adam")

    async with Form().run_test() as pilot:
        field = pilot.app.query_one(ValueInput)
        field.choices = ("adam", "momentum", "sgd")
        field.focus()
        seen = []
        for key in ("right", "left", "left", "space", "m", "backspace"):
            await pilot.press(key)
            seen.append(field.value)
        assert seen == ["momentum", "adam", "sgd", "adam", "momentum", "momentum"]
        field.post_message(events.Paste("lion"))
        await pilot.pause()
        assert field.value == "momentum"
        await pilot.click(ValueInput)
        assert field.value == "sgd"
        field.choices = ()
        field.value = "0.5"
        await pilot.press("home", "right", "9", "end", "left", "8")
        assert field.value == "09.85", "an ordinary field again"


def test_without_a_terminal_there_are_no_modes_to_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.__stdin__", None)
    assert modes.read_modes() is None
    written = list[object]()
    monkeypatch.setattr("os.write", lambda *args: written.append(args))
    modes.restore_modes(None, b"reset")
    assert written == []


def test_figures_that_an_ended_run_never_told_take_no_row() -> None:
    figures = Figures()
    figures.run = RunView(ended=True, lr=0.01)
    assert figures.lines(28, 6) == [((" lr       ", "dim"), ("0.01", ""))]
    figures.run = RunView(lr=0.01)
    assert [row[1][0] for row in figures.lines(28, 6)] == ["-", "0.01", "-", "-", "-"]
