"""A run as bytes on its way between machines: whole, or refused."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import pytest

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.sweeps.packing import pack_run, unpack_run

STATE = "checkpoints/step-000000006.safetensors"


def make(folder: Path) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("run.json", "events.jsonl", "best.safetensors", STATE, "lock", "of-mine.txt"):
        (folder / name).write_text(name)
    (folder / "notes.json").symlink_to(folder / "lock")
    return folder


def test_a_run_arrives_as_it_was_without_locks_links_and_files_of_others(tmp_path: Path) -> None:
    unpack_run(pack_run(make(tmp_path / "a")), tmp_path / "b")
    found = {path.relative_to(tmp_path / "b").as_posix() for path in (tmp_path / "b").rglob("*")}
    files = {"run.json", "events.jsonl", "best.safetensors", STATE}
    assert found == {*files, "checkpoints", "commands"}
    assert all((tmp_path / "b" / name).read_text() == name for name in files)


def test_states_that_it_no_longer_has_are_deleted(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a"), make(tmp_path / "b")
    (a / STATE).rename(a / STATE.replace("6", "9"))
    unpack_run(pack_run(a), b)
    assert [path.name for path in (b / "checkpoints").iterdir()] == ["step-000000009.safetensors"]


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    (make(tmp_path / "a") / "run.json").unlink()
    assert pack_run(tmp_path / "a") == b"" and pack_run(tmp_path / "none") == b""


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (b"", "arrived damaged"),
        (b"\x78\x9c no zlib", "arrived damaged"),
        (zlib.compress(b"no msgpack"), "arrived damaged"),
        (zlib.compress(msgspec.msgpack.encode({"run.json": 3})), "arrived damaged"),
        *(
            (zlib.compress(msgspec.msgpack.encode({name: b""})), "files that no run has")
            for name in ("../run.json", "/etc/passwd", "lock", "checkpoints/../../a", "run.json\n")
        ),
    ],
)
def test_bytes_of_strangers_write_nothing(packed: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=words):
        unpack_run(packed, tmp_path / "b")
    assert not (tmp_path / "b").exists()
