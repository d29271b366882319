"""Links, pipes and folders in place of a run's files: no command blocks or leaves the run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made import check_command, contents, make_runs

pytestmark = pytest.mark.slow

FILES = (
    "run.json", "summary.json", "notes.json", "lock", "network.toml", "environment.jsonl",
    "events.jsonl", "metrics.jsonl", "best.safetensors", "checkpoints",
    "checkpoints/step-000000001.safetensors", "commands", "README.md", "headless.log",
    "baseline.json",
)  # fmt: skip


def put_pipe(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def put_link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / path.name)


def put_endless(path: Path, outside: Path) -> None:
    path.symlink_to("/dev/zero")


def put_link_to_folder(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "checkpoints")


def put_folder(path: Path, outside: Path) -> None:
    path.mkdir()


def put_dangling(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "nothing")


KINDS = (put_pipe, put_link, put_endless, put_link_to_folder, put_folder, put_dangling)

COMMANDS = (
    "runs", "runs --json --size", "runs states quick-1", "runs bin", "runs clean --json",
    "compare quick-1 quick-2", "export quick-1", "export quick-1 --steps --format json",
    "export quick-1 --format tensorboard --force", "export quick-1 --format pytorch --force",
    "templates quick-1", "watch quick-1", "watch --json quick-1", "runs stop quick-1",
    "resume quick-1", "resume quick-1 --epochs 2", "reproduce quick-1", "runs tag quick-1 new",
    "runs note quick-1 new", "runs clean --yes", "runs rename quick-1 other",
    "runs rename other quick-1", "runs delete quick-1", "runs bin", "runs restore quick-1",
    "runs delete quick-1", "runs empty-bin --yes",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("made"))


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the runs, and a folder outside that looks like a run worth damaging."""
    shutil.copytree(made, tmp_path / "runs")
    outside = tmp_path / "outside"
    shutil.copytree(made / "quick-1", outside)
    for name in ("checkpoints/0.request.json", "checkpoints/.a.tmp", "checkpoints/b.damaged"):
        (outside / name).write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words_of(line: str) -> list[str]:
    command, *rest = line.split()
    return [command, "--runs-dir", "runs", *rest]


@pytest.mark.parametrize("put", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_no_command_waits_or_leaves_the_folder(
    name: str, put: Callable[[Path, Path], None], place: Path, cli
) -> None:
    path, outside = place / "runs" / "quick-1" / name, place / "outside"
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    put(path, outside)
    before = contents(outside)
    for line in COMMANDS:
        check_command(cli, *words_of(line))
        assert contents(outside) == before, line
        _, listed = check_command(cli, "runs", "--runs-dir", "runs")
        assert "quick-2" in listed, line
