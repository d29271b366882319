"""Pictures and folders that cannot be read: each is named, with the reason."""

from __future__ import annotations

import os
import re
import struct
import zlib
from pathlib import Path

import pytest
from picture_folders import noise, refused, save, two_colours

from cnn_tui.engine.data.catalog import load_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_colours(tmp_path)


def test_folder_without_two_classes_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tmp_path, "at least two classes, received none")
    save(tmp_path / "cat" / "1.png", noise(8, 8))
    refused(tmp_path, tmp_path, "received only 'cat'")
    refused(tmp_path / "cat", "one picture in one folder", "Make such folders.")


def test_empty_class_is_refused(folder: Path) -> None:
    (folder / "green").mkdir()
    refused(folder, folder / "green", "found none")
    (folder / "green" / "1.txt").touch()
    refused(folder, folder / "green", "found none")


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


def jpeg(tmp_path: Path) -> bytes:
    return save(tmp_path / "good.jpg", noise(64, 64, 3)).read_bytes()


def bad_files(tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    good = jpeg(tmp_path)
    return {
        "cut.jpg": (good[: len(good) // 2], "truncated"),
        "text.jpg": (b"no picture", "not a picture of a known format"),
        "empty.png": (b"", "it is empty"),
        "phone.heic": (bytes(4) + b"ftypheic" + bytes(20), "HEIC .* save it as JPEG or PNG"),
        "tiny.png": (png(1, 1), "it has only 1x1 pixels"),
        "giant.png": (png(20_000, 10_000), "more than 100,000,000 pixels"),
        "large.png": (png(11_000, 10_000), "more than 100,000,000 pixels"),
        "flat.png": (png(100_000_000, 1), "only 100000000x1"),
        "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "known format"),
    }


NAMES = sorted(
    ("cut.jpg", "text.jpg", "empty.png", "phone.heic", "tiny.png", "giant.png", "large.png",
     "flat.png", "script.png")
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_bad_picture_is_named_with_the_reason(folder: Path, tmp_path: Path, name: str) -> None:
    content, reason = bad_files(tmp_path)[name]
    (folder / "red" / name).write_bytes(content)
    refused(folder, folder / "red" / name, reason, "--skip-damaged")
    mine = load_dataset(str(folder), skip_damaged=True)
    assert len(mine.train) + len(mine.val) + len(mine.test) == 30
    (note,) = mine.notes
    assert note.startswith(f"Damaged pictures left out: 1 ({folder / 'red' / name}: ")
    assert re.search(reason, note)
    (folder / "red" / name).unlink()
    assert load_dataset(str(folder)).notes == ()


def test_many_bad_pictures_are_counted_in_one_line(folder: Path) -> None:
    for number in range(5):
        (folder / "blue" / f"bad{number}\x1b[31m.png").write_bytes(b"")
    refused(folder, "bad0", "bad2", "(and 2 more)")


def test_pipe_named_like_a_picture_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "red" / "pipe.png")
    assert len(load_dataset(str(folder)).train) == 25


def test_folder_that_cannot_be_read_is_named(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (folder / "red").chmod(0)
    refused(folder, folder / "red", "Permission denied")
