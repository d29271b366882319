"""Shells complete commands, networks, runs, datasets and settings, without importing the engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from children import run

from cnn_tui.engine.specs.presets import preset_names
from cnn_tui.tui.cli.group import COMMANDS
from cnn_tui.tui.cli.main import main

Offers = Callable[[str], list[str]]


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Offers:
    def ask(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_CNN_TUI_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(words[:-1]) + f" {words[-1]}")
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        assert main([]) == 0
        return [found.partition(",")[2] for found in capsys.readouterr().out.split()]

    return ask


def test_first_word_is_a_command_or_a_network(offers: Offers) -> None:
    assert {*COMMANDS, *preset_names()} == set(offers("cnn-tui "))
    assert offers("cnn-tui tr") == ["train"]
    assert offers("cnn-tui lene") == ["lenet5"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cnn-tui train lene", ["lenet5"]),
        ("cnn-tui check lenet5 resnet2", ["resnet20"]),
        ("cnn-tui train lenet5 --data mni", ["mnist"]),
        ("cnn-tui train lenet5 --epo", ["--epochs"]),
        ("cnn-tui lenet5 --asc", ["--ascii"]),
        ("cnn-tui data fetch kmn", ["kmnist"]),
        ("cnn-tui inspect lenet5-1 sal", ["saliency"]),
        ("cnn-tui --d", ["--debug", "--demo", "--data-dir"]),
        ("cnn-tui config thr", ["threads"]),
        ("cnn-tui config train.sto", ["train.stop"]),
        ("cnn-tui completion f", ["fish"]),
        ("cnn-tui config theme drac", ["dracula"]),
        ("cnn-tui config color 2", ["256"]),
        ("cnn-tui config mouse ", ["true", "false"]),
        ("cnn-tui config fps ", []),
        ("cnn-tui baselines --data dig", ["digits"]),
        ("cnn-tui train my --labels-from f", ["folders", "first"]),
        ("cnn-tui import w.pt --into lene", ["lenet5"]),
        ("cnn-tui predict lenet5-1 ./my", ["./my"]),
        ("cnn-tui train ./my", ["./my"]),
    ],
)
def test_words_of_a_line(offers: Offers, line: str, found: list[str]) -> None:
    assert offers(line) == found


def test_runs_of_the_folder_that_the_line_names(offers: Offers, tmp_path: Path) -> None:
    for name in ("lenet5-1", "lenet5-2", "other-1"):
        (tmp_path / name).mkdir()
    line = f"cnn-tui watch --runs-dir {tmp_path} lene"
    assert sorted(offers(line)) == ["lenet5-1", "lenet5-2"]
    line = f"cnn-tui train --runs-dir {tmp_path} --from oth"
    assert offers(line) == ["other-1"]
    (tmp_path / ".sweeps" / "lr-1").mkdir(parents=True)
    (tmp_path / ".sweeps" / "lr-1" / "sweep.json").touch()
    assert offers(f"cnn-tui sweep show --runs-dir {tmp_path} l") == ["lr-1"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_one_for_the_shell(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_CNN_TUI_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(script)
        assert run([program, "-n", tmp_path / "script"]).returncode == 0
