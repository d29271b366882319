"""The IDX reader and MNIST: valid files, and every kind of invalid one."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.mnist import read_idx
from cnn_tui.engine.errors import DataError


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (36, 5, 4)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, images: np.ndarray) -> Path:
    """A small MNIST: 36 images to train, 12 to test, gzipped."""
    labels = (np.arange(36) % 10).astype(np.uint8)
    for prefix, n in (("train", 36), ("t10k", 12)):
        write(tmp_path / f"{prefix}-images-idx3-ubyte.gz", gzip.compress(idx(images[:n])))
        write(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", gzip.compress(idx(labels[:n])))
    return tmp_path


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_reads_what_was_written_whatever_its_name(
    tmp_path: Path, images: np.ndarray, pack: type, name: str
) -> None:
    np.testing.assert_array_equal(read_idx(write(tmp_path / name, pack(idx(images))), 3), images)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda good: b"", "magic number 0x00000803, received 0x"),
        (lambda good: b"\x00\x00\x08\x01" + good[4:], "received 0x00000801"),
        (lambda good: b"\x00\x00\x0d\x03" + good[4:], "received 0x00000d03"),
        (lambda good: good[:10], "ends inside its header, after 10 bytes"),
        (lambda good: good[:-1], "expected 720 bytes after the header, received 719"),
        (lambda good: good[:16], "received 0"),
        (lambda good: good + b"x", "received more"),
        (lambda good: good[:4] + struct.pack(">3I", 36, 0, 4) + good[16:], "36x0x4 bytes"),
        (lambda good: good[:4] + b"\xff" * 12 + good[16:], "declares an impossible size"),
    ],
)
def test_refuses_what_is_not_exactly_its_header(
    tmp_path: Path, images: np.ndarray, pack: type, change: object, message: str
) -> None:
    path = write(tmp_path / "file", pack(change(idx(images))))
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path, 3)
    assert str(path) in caught.value.message
    assert "\n" not in str(caught.value)


def test_refuses_gzip_that_is_cut_off_or_damaged(tmp_path: Path, images: np.ndarray) -> None:
    whole = gzip.compress(idx(images))
    damaged = bytearray(whole)
    damaged[-6] ^= 0xFF  # the checksum
    for content in (whole[:-9], whole[:40], whole[:3], bytes(damaged), b"\x1f\x8bnot gzip"):
        with pytest.raises(DataError, match="gzip"):
            read_idx(write(tmp_path / "file.gz", content), 3)


def test_gzip_bomb_is_left_at_the_byte_after_the_last(tmp_path: Path) -> None:
    """Its end is cut off: unpacking all of it would raise another error."""
    bomb = struct.pack(">2I", 0x801, 4) + bytes(64 << 20)
    path = write(tmp_path / "bomb.gz", gzip.compress(bomb, 1)[:-100])
    with pytest.raises(DataError, match="expected 4 bytes after the header, received more"):
        read_idx(path, 1)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_idx(tmp_path / "nowhere", 1)
    with pytest.raises(DataError, match="there is no such file"):
        read_idx(tmp_path, 1)
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte or .*--data-dir"):
        load_dataset("mnist", tmp_path)


def test_mnist_from_a_folder_plain_or_gzipped(folder: Path, images: np.ndarray) -> None:
    plain = folder / "t10k-labels-idx1-ubyte"
    plain.write_bytes(gzip.decompress(plain.with_suffix(".gz").read_bytes()))
    plain.with_suffix(".gz").unlink()
    mnist = load_dataset("mnist", folder)
    assert (len(mnist.train), len(mnist.val), len(mnist.test)) == (33, 3, 12)
    assert mnist.input_shape == (1, 5, 4)
    np.testing.assert_array_equal(mnist.test.images[:, 0], images[:12])
    np.testing.assert_array_equal(mnist.test.labels, np.arange(12) % 10)


def test_images_and_labels_must_be_as_many(folder: Path) -> None:
    path = folder / "train-labels-idx1-ubyte.gz"
    write(path, gzip.compress(idx(np.zeros(35, np.uint8))))
    with pytest.raises(DataError, match="expected 36 labels, one for each image, received 35"):
        load_dataset("mnist", folder)


def test_label_above_nine_is_refused_with_file_and_place(folder: Path) -> None:
    labels = np.zeros(36, np.uint8)
    labels[7] = 10
    path = write(folder / "train-labels-idx1-ubyte.gz", gzip.compress(idx(labels)))
    with pytest.raises(DataError, match="from 0 to 9, received 10 at image 7") as caught:
        load_dataset("mnist", folder)
    assert str(path) in caught.value.message


def test_label_255_is_refused(folder: Path) -> None:
    labels = np.zeros(12, np.uint8)
    labels[11] = 255
    path = write(folder / "t10k-labels-idx1-ubyte.gz", gzip.compress(idx(labels)))
    with pytest.raises(DataError, match="received 255 at image 11") as caught:
        load_dataset("fashion-mnist", folder)
    assert str(path) in caught.value.message


def test_copy_that_is_not_the_official_one_is_read_and_said(folder: Path) -> None:
    fashion = load_dataset("fashion_mnist", folder)
    assert fashion.classes[9] == "ankle boot"
    counts, sums = fashion.notes
    assert "36 + 12 images" in counts and "60,000 + 10,000" in counts
    assert "checksum of train-images-idx3-ubyte.gz" in sums


def test_the_split_rearranges_images_in_place_with_their_labels(folder: Path) -> None:
    mnist = load_dataset("mnist", folder)
    every = np.concatenate([mnist.train.images[:], mnist.val.images[:]])[:, 0]
    labels = np.concatenate([mnist.train.labels, mnist.val.labels])
    original = read_idx(folder / "train-images-idx3-ubyte.gz", 3)
    for image, label in zip(every, labels, strict=True):
        (place,) = np.flatnonzero((original == image).all(axis=(1, 2)))
        assert place % 10 == label


def test_real_mnist(mnist_dir: Path) -> None:
    mnist = load_dataset("mnist", mnist_dir)
    assert (len(mnist.train), len(mnist.val), len(mnist.test)) == (55_000, 5_000, 10_000)
    assert mnist.input_shape == (1, 28, 28)
    # The counts of the official labels.
    every = np.concatenate([mnist.train.labels, mnist.val.labels])
    assert np.bincount(every).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_a_folder_of_idx_files_is_a_set_of_its_own(tmp_path: Path) -> None:
    for prefix, count in (("kana-train", 60), ("kana-t10k", 12)):
        images = np.arange(count * 9, dtype=np.uint8).reshape(count, 3, 3)
        labels = (np.arange(count) % 3 + 1).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            (tmp_path / f"{prefix}-{kind}-ubyte").write_bytes(head + array.tobytes())
    for given in (tmp_path, tmp_path / "kana-train-images-idx3-ubyte"):
        mine = load_dataset(str(given))
        assert [len(part) for part in (mine.train, mine.val, mine.test)] == [54, 6, 12]
        assert mine.classes == ("1", "2", "3") and mine.test.labels[:4].tolist() == [0, 1, 2, 0]
    (tmp_path / "kana-t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="a file of images and one of labels to test"):
        load_dataset(str(tmp_path))
