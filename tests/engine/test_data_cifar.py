"""CIFAR: the binary files, their archive, and hostile archives."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data import cifar
from cnn_tui.engine.data.cache import cached
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.streams import unpack
from cnn_tui.engine.errors import DataError

Members = dict[str, bytes | tarfile.TarInfo]
_REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "cifar-10-batches-bin"


def records(count: int, seed: int = 0, *, label_bytes: int = 1, classes: int = 10) -> bytes:
    rows = np.random.default_rng(seed).integers(0, 256, (count, label_bytes + 3072))
    rows[:, label_bytes - 1] %= classes
    rows[:, 0] %= classes
    return rows.astype(np.uint8).tobytes()


def tar(path: Path, members: Members) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def test_binary_files_become_images_and_labels(tmp_path: Path) -> None:
    content = records(40)
    (tmp_path / "data_batch_2.bin").write_bytes(content)
    (tmp_path / "test_batch.bin").write_bytes(records(10, 1))
    cifar10 = load_dataset("cifar10", tmp_path)
    assert (len(cifar10.train), len(cifar10.val), len(cifar10.test)) == (36, 4, 10)
    assert cifar10.input_shape == (3, 32, 32) and cifar10.classes[3] == "cat"
    first = np.frombuffer(records(10, 1), np.uint8).reshape(10, 3073)[0]
    assert cifar10.test.labels[0] == first[0]
    # Red plane, green plane, blue plane, each row by row.
    np.testing.assert_array_equal(cifar10.test.images[0][1, 0], first[1 + 1024 : 1 + 1024 + 32])
    assert "40 + 10 images" in cifar10.notes[0]


def test_all_batches_are_read_in_a_folder_of_their_usual_name(tmp_path: Path) -> None:
    inner = tmp_path / "cifar-10-batches-bin"
    inner.mkdir()
    for number in (1, 3):
        (inner / f"data_batch_{number}.bin").write_bytes(records(20, number))
    (inner / "test_batch.bin").write_bytes(records(10))
    cifar10 = load_dataset("cifar10", tmp_path)
    assert len(cifar10.train) + len(cifar10.val) == 40


def test_cifar100_takes_the_fine_label_and_the_names_of_its_file(tmp_path: Path) -> None:
    content = np.frombuffer(records(30, label_bytes=2, classes=100), np.uint8).reshape(30, 3074)
    (tmp_path / "train.bin").write_bytes(content.tobytes())
    (tmp_path / "test.bin").write_bytes(content[:10].tobytes())
    assert load_dataset("cifar100", tmp_path).classes[42] == "42"
    names = [f"kind {number}" for number in range(99)] + ["bad\x1b[31m"]
    (tmp_path / "fine_label_names.txt").write_text("\n".join(names))
    cifar100 = load_dataset("cifar100", tmp_path)
    np.testing.assert_array_equal(cifar100.test.labels, content[:10, 1])
    assert cifar100.classes[42] == "kind 42"
    assert all(name.isprintable() for name in cifar100.classes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (records(3)[:-1], "whole records of 3,073 bytes, received 9,218"),
        (b"", "received 0 bytes"),
        (b"\xff" + records(3)[1:], "labels from 0 to 9, received 255 at image 0"),
    ],
)
def test_damaged_files_are_named_with_the_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(records(20))
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("cifar10", tmp_path)
    assert str(tmp_path / "test_batch.bin") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz or the file data_batch_1\.bin"):
        load_dataset("cifar10", tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(records(20))
    with pytest.raises(DataError, match=r"test_batch\.bin: No such file"):
        load_dataset("cifar10", tmp_path)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Official sizes of 20 images a file instead of 10,000."""
    size = 20 * 3073
    version = cifar._VERSIONS["cifar10"]
    little = version._replace(
        train=dict.fromkeys(version.train, size), test=dict.fromkeys(version.test, size)
    )
    monkeypatch.setitem(cifar._VERSIONS, "cifar10", little)
    return size


def official(extra: Members | None = None) -> Members:
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    folder = "cifar-10-batches-bin"
    members = {f"{folder}/{name}": records(20, seed) for seed, name in enumerate(names)}
    return {f"{folder}/batches.meta.txt": b"airplane\n", **(extra or {}), **members}


@pytest.mark.usefixtures("small")
def test_archive_is_read_and_the_second_time_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar(tmp_path / "cifar-10-binary.tar.gz", official())
    first = load_dataset("cifar10", tmp_path)
    assert (len(first.train), len(first.val), len(first.test)) == (90, 10, 20)
    monkeypatch.setattr(cifar, "unpack", lambda *args: pytest.fail("unpacked again"))
    second = load_dataset("cifar10", tmp_path)
    np.testing.assert_array_equal(first.train.images[:], second.train.images[:])


@pytest.mark.usefixtures("small")
def test_changed_archive_is_read_anew(tmp_path: Path) -> None:
    archive = tar(tmp_path / "cifar-10-binary.tar.gz", official())
    before = load_dataset("cifar10", tmp_path).test.images[:]
    members = official()
    members["cifar-10-batches-bin/test_batch.bin"] = records(20, 77)
    tar(archive, members)
    assert (load_dataset("cifar10", tmp_path).test.images[:] != before).any()


@pytest.mark.usefixtures("small")
def test_paths_in_an_archive_are_never_followed(tmp_path: Path) -> None:
    evil = "evil.txt"
    extra: Members = {
        f"../{evil}": b"x",
        f"/{tmp_path}/{evil}": b"x",
        f"cifar-10-batches-bin/../../{evil}": b"x",
        "out": link("out", str(tmp_path)),
        f"out/{evil}": b"x",
    }
    tar(tmp_path / "cifar-10-binary.tar.gz", official(extra))
    assert len(load_dataset("cifar10", tmp_path).test) == 20
    assert list(tmp_path.parent.rglob(evil)) == []


Change = Callable[[Members], Members]


def without_test(members: Members) -> Members:
    return {name: content for name, content in members.items() if "test" not in name}


def with_test(content: bytes | tarfile.TarInfo) -> Change:
    return lambda members: {**members, "cifar-10-batches-bin/test_batch.bin": content}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_test, r"the member cifar-10-batches-bin/test_batch\.bin is missing"),
        (with_test(b"short"), "to be a file of 61,460 bytes, received 5"),
        (with_test(records(21)), "received 64,533"),
        (
            with_test(link("cifar-10-batches-bin/test_batch.bin", "/etc/passwd")),
            "to be a file of 61,460 bytes, received 0",
        ),
    ],
)
def test_archive_with_other_members_is_refused_and_leaves_nothing(
    tmp_path: Path, change: Change, message: str
) -> None:
    archive = tar(tmp_path / "cifar-10-binary.tar.gz", change(official()))
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("cifar10", tmp_path)
    assert str(archive) in str(caught.value) and "\n" not in str(caught.value)
    tar(archive, official())
    assert len(load_dataset("cifar10", tmp_path).test) == 20


@pytest.mark.usefixtures("small")
def test_archive_cut_anywhere_is_refused_and_the_next_try_works(tmp_path: Path) -> None:
    whole = tar(tmp_path / "cifar-10-binary.tar.gz", official()).read_bytes()
    archive = tmp_path / "cifar-10-binary.tar.gz"
    for length in (0, 1, 20, len(whole) // 2, len(whole) - 20):
        archive.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"damaged or truncated|member .* is missing"):
            load_dataset("cifar10", tmp_path)
    archive.write_bytes(whole)
    assert len(load_dataset("cifar10", tmp_path).train) == 90


def test_archive_that_unpacks_to_too_much_is_left(tmp_path: Path) -> None:
    """Its end is cut off: unpacking all of it would raise another error."""
    info = tarfile.TarInfo("zeros")
    info.size = 64 << 20
    content = info.tobuf() + bytes(info.size)
    archive = tmp_path / "bomb.tar.gz"
    archive.write_bytes(gzip.compress(content, 1)[:-100])
    with pytest.raises(DataError, match="is larger than expected"):
        unpack(archive, {"wanted": 100}, {}, tmp_path)


def test_cache_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        cached("thing", "0" * 16, 1, fail)
    place = cached("thing", "0" * 16, 1, lambda folder: (folder / "whole").touch())
    assert [path.name for path in place.iterdir()] == ["whole"]
    newer = cached("thing", "1" * 16, 1, lambda folder: (folder / "newer").touch())
    assert not place.exists() and (newer / "newer").exists()
    assert [path for path in newer.parent.iterdir() if path.name.startswith(".new")] == []


def test_cache_without_room_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"GB are needed.*may take 20.0 GB.*CNN_TUI_CACHE_GB=\d+"):
        cached("thing", "2" * 16, 1 << 60, lambda folder: None)
    monkeypatch.setenv("CNN_TUI_CACHE_GB", "1e12")
    with pytest.raises(DataError, match=r"MB are needed.*XDG_CACHE_HOME"):
        cached("thing", "2" * 16, 1 << 60, lambda folder: None)
    monkeypatch.setenv("CNN_TUI_CACHE_GB", "much")
    with pytest.raises(DataError, match="CNN_TUI_CACHE_GB=much: expected a number"):
        cached("thing", "2" * 16, 1, lambda folder: None)


def test_what_was_not_used_for_longest_goes_when_the_cache_is_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CNN_TUI_CACHE_GB", "0.000003")

    def fill(name: str) -> Path:
        return cached(name, "0" * 16, 1000, lambda made: (made / "x").write_bytes(bytes(1000)))

    first, second, third = map(fill, ("first", "second", "third"))
    for age, folder in enumerate((third, second, first)):
        os.utime(folder, (1e9 - age, 1e9 - age))
    assert fill("first") == first, "using it makes it the newest"
    assert fill("fourth").is_dir()
    assert first.is_dir() and third.is_dir() and not second.exists()


def test_what_an_interrupted_process_left_is_continued() -> None:
    def fill(made: Path) -> None:
        with (made / "x").open("a") as file:
            file.write("a")
        if (made / "x").read_text() == "a":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("again", "0" * 16, 1, fill, resumable=True)
    assert (cached("again", "0" * 16, 1, fill, resumable=True) / "x").read_text() == "aa"
    with pytest.raises(KeyboardInterrupt):
        cached("again", "1" * 16, 1, fill, resumable=True)
    newer = cached("again", "2" * 16, 1, lambda made: None, resumable=True)
    assert [path.name for path in newer.parent.glob("*again*")] == [newer.name]


def test_cache_that_cannot_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written.*XDG_CACHE_HOME"):
        cached("thing", "3" * 16, 1, lambda folder: None)


def test_real_pictures() -> None:
    if not _REAL.is_dir():
        pytest.skip("no CIFAR-10 files here (expected in ../shared/data/cifar-10-batches-bin)")
    cifar10 = load_dataset("cifar10", _REAL)
    assert (len(cifar10.train), len(cifar10.val), len(cifar10.test)) == (9000, 1000, 10_000)
    assert np.bincount(cifar10.test.labels).tolist() == [1000] * 10
