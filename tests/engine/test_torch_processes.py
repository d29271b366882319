"""A training over two processes of torchrun: the curve of one, and a kill on the way."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from children import run, start

pytest.importorskip(
    "torch", reason='PyTorch is not installed; pip install -e ".[test,peer]" brings it'
)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("loopback")]

NETWORK = """
name = "shared"
input = [1, 8, 8]
data = "digits"
layers = [
    { type = "conv", out_channels = 8, padding = 1 },
    { type = "batchnorm" },
    { type = "relu" },
    { type = "maxpool" },
    { type = "fc", out_features = 10 },
]
[training]
epochs = 2
batch_size = 33
lr = 0.05
"""
"""1,257 images leave a last batch of three, which two processes share unevenly."""

TRAIN = ("-m", "cnn_tui.tui", "train", "net.toml", "--engine", "torch", "--runs-dir", "runs")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "net.toml").write_text(NETWORK)
    return tmp_path


def losses(folder: Path) -> list[float]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_two_processes_have_the_curve_of_one(
    place: Path, cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert cli(*TRAIN[2:], "--threads", "1").code == 0
    run([*TORCHRUN, *TRAIN, "--sync-batchnorm", "--threads", "2"], cwd=place, check=True)
    alone, together = losses(place / "runs" / "shared-1"), losses(place / "runs" / "shared-2")
    assert len(alone) == 2 * 39
    assert together == pytest.approx(alone, rel=1e-4)
    assert [one.name for one in sorted((place / "runs").iterdir())] == ["shared-1", "shared-2"]


def test_a_run_goes_on_after_a_process_was_killed(place: Path) -> None:
    words = ("--epochs", "12", "--checkpoint-every", "20", "--threads", "2", "--json")
    output = place / "output"
    with output.open("wb") as file:
        process = start([*TORCHRUN, "--max-restarts", "1", *TRAIN, *words], cwd=place, stdout=file)
    while not list(place.glob("runs/shared-1/checkpoints/*.safetensors")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(follower_of(process.pid), signal.SIGKILL)
    assert process.wait() == 0
    events = [json.loads(line) for line in output.read_text().splitlines() if line[:1] == "{"]
    begins = [event["from_step"] for event in events if event["event"] == "run_started"]
    assert begins[0] == 0 and len(begins) == 2 and begins[1] > 0
    assert events[-1]["reason"] == "completed"
    assert len(losses(place / "runs" / "shared-1")) == 12 * 39


def follower_of(torchrun: int) -> int:
    """The process whose rank is 1."""
    for children in Path(f"/proc/{torchrun}/task").glob("*/children"):
        for child in children.read_text().split():
            if b"RANK=1\0" in Path(f"/proc/{child}/environ").read_bytes().replace(b"_RANK", b""):
                return int(child)
    raise AssertionError("torchrun has no second process")
