"""``cnn-tui doctor``: what was found, and what to do about what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
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
