"""``--engine``: the commands with PyTorch, and what is said where it cannot compute."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cnn_tui.engine import engines


def test_what_needs_pytorch_says_so(cli: Callable) -> None:
    code, out, err = cli("train", "digits-convnet", "--device", "cpu")
    assert (code, out) == (2, "")
    assert err.startswith("cnn-tui: error: --device needs --engine torch.")


def test_without_pytorch_one_line_says_how_to_get_it(
    cli: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    code, out, err = cli(
        "train", "digits-convnet", "--engine", "torch", "--runs-dir", tmp_path / "runs"
    )
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "pip install 'cnn-tui[torch]'" in err and not (tmp_path / "runs").exists()


def test_torchrun_wants_pytorch(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    code, _, err = cli("train", "digits-convnet")
    assert code == 2 and "needs --engine torch" in err
    monkeypatch.setenv("WORLD_SIZE", "two")
    code, out, err = cli("train", "digits-convnet")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "WORLD_SIZE is 'two', which is no number. torchrun sets it" in err


@pytest.mark.slow
def test_a_run_with_pytorch_is_used_like_any_other(cli: Callable, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    here = ("--runs-dir", tmp_path)
    words = ("--engine", "torch", "--device", "cpu", "--threads", "1")
    code, out, err = cli("train", "digits-convnet", "--epochs", 1, "--json", *words, *here)
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0, err
    assert events[0]["engine"].startswith("torch") and events[-1]["reason"] == "completed"
    run = "digits-convnet-1"
    for command in (
        ("lr-find", "digits-convnet", "--steps", 20, *words),
        ("preflight", "digits-convnet", *words),
        ("inspect", run, "health", *here),
        ("inspect", run, "saliency", "--image", 3, *here),
        ("evaluate", run, *here),
        ("export", run, "--format", "pytorch", "--output", tmp_path / "net.py", *here),
    ):
        code, out, err = cli(*command)
        assert code == 0 and out, (command, err)
    code, out, _ = cli("resume", run, "--engine", "numpy", "--epochs", 2, *here)
    assert code == 0 and "continues with numpy" in out
