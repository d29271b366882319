"""``cnn-tui doctor``: what was found, and what to do about what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnn_tui.tui import findings
from cnn_tui.tui.cli.main import main

Told = Callable[[], dict[str, Any]]


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Told:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("CNN_TUI_RUNS", str(tmp_path / "runs"))

    def ask() -> dict[str, Any]:
        assert main(["doctor", "--json"]) == 0
        return {row["topic"]: row for row in json.loads(capsys.readouterr().out)}

    return ask


def test_every_topic_of_the_machine_is_told(told: Told) -> None:
    found = told()
    assert {"Python", "NumPy", "processor", "memory", "terminal", "settings", "runs"} <= set(found)
    assert "BLAS" in found["NumPy"]["found"] and "digits" in found["datasets"]["found"]
    assert all(row["ok"] or row["advice"] for row in found.values())


def test_wrong_setting_is_told_with_what_to_do(told: Told, tmp_path: Path) -> None:
    file = tmp_path / "config" / "cnn-tui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("fps = 99\n")
    row = told()["settings"]
    assert not row["ok"] and "fps = 99" in row["found"] and "cnn-tui config" in row["advice"]


def test_unknown_theme_is_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_TUI_THEME", "none such")
    assert "theme = 'none such'" in told()["settings"]["found"]


def test_missing_extra_says_how_to_get_it(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(findings._EXTRAS, "onnx", ("no_such_package", "ONNX files"))
    assert "pip install 'cnn-tui[onnx]'" in told()["extra onnx"]["found"]


def test_full_disk_is_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 5_000_000})
    monkeypatch.setattr(findings.shutil, "disk_usage", lambda path: usage)
    row = told()["runs"]
    assert not row["ok"] and "5 MB free" in row["found"] and "runs clean" in row["advice"]


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "Python" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environ", "found", "ok"),
    [
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, "none, as NO_COLOR is set", True),
        ({"COLORTERM": "24bit"}, "16 million", True),
        ({"TERM": "xterm-256color"}, "256;", True),
        ({"TERM": "vt220"}, "16", False),
    ],
)
def test_colours_are_those_that_the_terminal_says(
    environ: dict[str, str], found: str, ok: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = terminal_of(environ, monkeypatch)["colours"]
    assert row.found.startswith(found) and row.ok is ok and bool(row.advice) is not ok


@pytest.mark.parametrize(
    ("environ", "size", "encoding", "topic", "advice"),
    [
        ({}, (70, 24), "utf-8", "terminal", "80x24"),
        ({}, (80, 20), "utf-8", "terminal", "80x24"),
        ({}, (80, 24), "ascii", "glyphs", "LANG=C.UTF-8"),
    ],
)
def test_a_terminal_that_lacks_something_is_told_with_what_to_do(
    environ: dict[str, str],
    size: tuple[int, int],
    encoding: str,
    topic: str,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = terminal_of(environ, monkeypatch, size, encoding)
    assert not told[topic].ok and advice in told[topic].advice
    assert all(row.ok for name, row in told.items() if name not in (topic, "colours"))


def test_the_link_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SSH" in terminal_of({"SSH_CONNECTION": "a 1 b 2"}, monkeypatch)["link"].found
    assert "local" in terminal_of({}, monkeypatch)["link"].found


def terminal_of(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int] = (80, 24),
    encoding: str = "utf-8",
) -> dict[str, findings.DoctorFinding]:
    stream = SimpleNamespace(isatty=lambda: True, encoding=encoding)
    monkeypatch.setattr(findings, "sys", SimpleNamespace(stdout=stream))
    monkeypatch.setattr(findings, "os", SimpleNamespace(environ=environ))
    monkeypatch.setattr(findings.shutil, "get_terminal_size", lambda: size)
    monkeypatch.setattr(findings, "width_of", lambda glyph: 1)
    return {row.topic: row for row in findings._terminal()}


def test_glyphs_two_columns_wide_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "width_of", lambda glyph: 2 if glyph == "●" else None)
    row = findings._glyphs(False, "utf-8")
    assert not row.ok and "ambiguous width" in row.advice


@pytest.mark.parametrize(
    ("free", "found", "ok"),
    [(None, "does not tell", True), (5 << 20, "5", False), (8 << 30, "free", True)],
)
def test_memory(free: int | None, found: str, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_tui.engine.system_memory.available_memory", lambda: free)
    row = findings._memory()
    assert found in row.found and row.ok is ok and bool(row.advice) is not ok


def test_a_folder_that_cannot_be_written_is_told(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings.os, "access", lambda path, mode: False)
    row = told()["runs"]
    assert not row["ok"] and "cannot be written. CNN_TUI_RUNS names another" in row["advice"]
