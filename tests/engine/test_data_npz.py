"""Images from a ``.npz`` file: valid arrays, and false declarations."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (40, 6, 5)).astype(np.uint8)
Y = np.arange(40) % 4


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path / "mine.npz", **arrays)
    return path / "mine.npz"


def load(path: Path, **arrays: Any) -> Dataset:
    return load_dataset(str(save(path, **arrays)))


def refused(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


def test_a_tenth_is_held_out_for_each_split(tmp_path: Path) -> None:
    mine = load(tmp_path, x=X, y=Y)
    assert (mine.name, mine.classes) == ("mine", ("0", "1", "2", "3"))
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [33, 3, 4]
    assert mine.input_shape == (1, 6, 5)
    every = np.concatenate([part.images[:] for part in (mine.train, mine.val, mine.test)])
    assert sorted(map(bytes, every)) == sorted(map(bytes, X))


@pytest.mark.parametrize(
    "x",
    [
        np.moveaxis(np.stack([X, X, X], 1), 1, 3),
        np.stack([X, X, X], 1),
        np.asfortranarray(np.stack([X, X, X], 1)),
    ],
)
def test_channels_may_be_first_or_last(tmp_path: Path, x: np.ndarray) -> None:
    mine = load(tmp_path, x=x, y=Y, x_test=x, y_test=Y)
    assert mine.input_shape == (3, 6, 5)
    np.testing.assert_array_equal(mine.test.images[:], np.stack([X, X, X], 1))


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "<u4", ">u2", "?"])
def test_whole_numbers_become_bytes(tmp_path: Path, dtype: str) -> None:
    mine = load(tmp_path, x=X.astype(dtype), y=Y, x_test=X.astype(dtype), y_test=Y)
    assert mine.test.images.dtype == np.uint8
    np.testing.assert_array_equal(mine.test.images[:, 0], X.astype(dtype))


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8"])
def test_floats_stay_floats(tmp_path: Path, dtype: str) -> None:
    mine = load(tmp_path, x=(X / 255).astype(dtype), y=Y)
    assert mine.train.images.dtype == np.float32


def test_the_usual_names_of_others_are_understood(tmp_path: Path) -> None:
    mine = load(tmp_path, x_train=X, y_train=Y[:, None], x_test=X[:8], y_test=Y[:8])
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [36, 4, 8]
    np.testing.assert_array_equal(mine.test.labels, Y[:8])


def test_labels_may_be_names(tmp_path: Path) -> None:
    names = np.array(["cat", "ant", "bee"])[np.arange(40) % 3]
    mine = load(tmp_path, x=X, y=names, x_test=X[:3], y_test=names[:3])
    assert mine.classes == ("ant", "bee", "cat")
    assert mine.test.labels.tolist() == [2, 0, 1]
    named = load(tmp_path, x=X, y=Y, classes=np.array(["n", "e", "s", "w\x1b[2J"]))
    assert named.classes[:3] == ("n", "e", "s") and named.classes[3].isprintable()


def test_compressed_files_are_read_too(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "mine.npz", x=X, y=Y)
    assert len(load_dataset("folder", tmp_path / "mine.npz").train) == 33


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": Y}, r"expected images and their labels.*; found y \(40,\)"),
        ({"x": X}, r"expected images and their labels.*; found x \(40, 6, 5\)"),
        ({"x": X, "images": X, "y": Y}, "not clear whether x or images is meant"),
        ({"a": X, "b": Y[:39]}, "not clear which arrays are images"),
        ({"a": X}, "expected labels beside the images, found only a"),
        ({"x": X, "y": Y[:39]}, "40 images and 39 labels"),
        ({"x": X[:1], "y": Y[:1]}, "at least two classes, received 0 for the only image"),
        ({"x": X, "y": Y * 0}, "at least two classes, received 0 for all 40 images"),
        ({"x": X, "y": Y / 2}, "whole numbers or names, received"),
        ({"x": X, "y": np.eye(40)[:, :39]}, "exactly one 1 .* received no 1 in row 39"),
        (
            {"x": X, "y": Y, "classes": np.array(["a", "b"])},
            "the label 2 of image 2 is not a class",
        ),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "y_test: the label 4 of image 3 is not"),
        ({"x": X, "y": Y, "x_test": X[:, :5], "y_test": Y}, "expected images of 1x6x5"),
        ({"x": X.reshape(40, 30), "y": Y}, r"received \(40, 30\)"),
        ({"x": np.stack([X, X], 1), "y": Y}, "with 1 or 3 channels"),
        ({"x": X.astype(int) + 1, "y": Y}, "from 0 to 255, received numbers from 1 to 256"),
        ({"x": X.astype(int) - 1, "y": Y}, "received numbers from -1"),
        ({"x": np.full((40, 6, 5), np.inf), "y": Y}, "expected finite numbers"),
        ({"x": X * 1e300, "y": Y}, "expected finite numbers"),
        ({"x": X.astype(str), "y": Y}, "expected numbers, received text"),
        ({"x": X * 1j, "y": Y}, "x: expected numbers or text, received complex128"),
        ({"x": np.array([X, "a"], object), "y": Y}, "Python objects, which are never unpickled"),
        ({"x": X, "y": np.zeros(40, [("a", "i4")])}, "y: expected numbers or text, received"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    refused(save(tmp_path, **arrays), message)


def npy(shape: str, descr: str = "'|u1'", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path / "bad.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path / "bad.npz"


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (npy("(34359738368, 1, 1)"), "x declares 34,359,738,368 bytes of data, but has 0"),
        (npy("(99999999999999, 99999999999999, 9)"), "x declares .* but has 0"),
        (npy("(2, 2, 2)", data=b"1234567"), "declares 8 bytes of data, but has 7"),
        (npy("(2, 2, 2)", data=b"123456789"), "declares 8 bytes of data, but has 9"),
        (npy("(-2, 2, 2)", data=b"12345678"), "bytes of data|not an array"),
        (npy("(2, 2, 2)", "'|O'", b"cos\nsystem\n."), "never unpickled"),
        (npy("(2, 2, 2)", "'nonsense'"), "not a NumPy array"),
        (npy("__import__('os').system('false')"), "not a NumPy array"),
        (b"", "not a NumPy array"),
        (b"\x93NUMPY\x09\x00", r"format \(9, 0\)"),
        (b"hello \x1b[31m", "not a NumPy array"),
        (npy("(2, 2, 2)")[:40], "not a NumPy array"),
    ],
)
def test_arrays_that_lie_are_refused(tmp_path: Path, x: bytes, message: str) -> None:
    refused(zipped(tmp_path, x=x, y=npy("(2,)", data=b"\x00\x01")), message)


def test_member_that_claims_32_gib_is_not_made_room_for(tmp_path: Path) -> None:
    """Header and directory agree on a false size; the file has only 8 bytes."""
    size = 32 << 30
    path = zipped(tmp_path, x=npy(f"({size}, 1, 1)", data=b"12345678"), y=npy("(1,)", data=b"\0"))
    refused(
        claiming(path, size), "declares 34,359,738,[0-9]+ bytes, at most 4,294,967,296 are read"
    )


def claiming(path: Path, size: int) -> Path:
    """Give the first member another size in the zip directory, by a zip64 field."""
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    name, extra = struct.unpack_from("<HH", content, at + 28)
    content[at + 24 : at + 28] = b"\xff" * 4
    struct.pack_into("<H", content, at + 30, extra + 12)
    end = at + 46 + name + extra
    content[end:end] = struct.pack("<HHQ", 1, 8, size + 128)
    end_record = content.index(b"PK\x05\x06")
    (directory,) = struct.unpack_from("<I", content, end_record + 12)
    struct.pack_into("<I", content, end_record + 12, directory + 12)
    path.write_bytes(content)
    return path


def test_bomb_of_zeros_is_not_unpacked(tmp_path: Path) -> None:
    """A few megabytes would unpack to a member of 5 GiB, which is refused by its size."""
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        z.writestr("x.npy", npy("(5368709120, 1, 1)", data=bytes(1 << 20)))
        z.writestr("y.npy", npy("(1,)", data=b"\0"))
    refused(tmp_path / "bomb.npz", "x declares 5,368,709,120 bytes of data, but has 1,048,576")


def test_damaged_zip_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = save(tmp_path, x=X, y=Y).read_bytes()
    path = tmp_path / "cut.npz"
    for length in (0, 10, 200, len(whole) - 30):
        path.write_bytes(whole[:length])
        refused(path, "zip")
    flipped = bytearray(whole)
    flipped[whole.index(X.tobytes()) + 100] ^= 1
    path.write_bytes(flipped)
    refused(path, "zip is damaged.*CRC")
    path.write_bytes(whole)
    assert len(load_dataset(str(path)).train) == 33


def test_too_many_arrays_and_encrypted_ones_are_refused(tmp_path: Path) -> None:
    many = {f"a{number}": b"" for number in range(101)}
    refused(zipped(tmp_path, **many), "holds 101 arrays")
    path = zipped(tmp_path, x=npy("(1, 1, 1)", data=b"1"), y=b"")
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)
    refused(path, "x is encrypted")


def test_file_of_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_text("no zip")
    refused(tmp_path / "bad.npz", "zip is damaged")
    buffer = io.BytesIO()
    np.save(buffer, X)
    (tmp_path / "bad.npz").write_bytes(buffer.getvalue())
    refused(tmp_path / "bad.npz", "zip is damaged")


@pytest.mark.parametrize(
    "names",
    [
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("trainX", "trainY", "testX", "testY"),
        ("xtrain", "ytrain", "xtest", "ytest"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images_train", "targets_train", "images_test", "targets_test"),
        ("data", "target", "test_data", "test_target"),
        ("arr_0", "arr_1", "arr_2", "arr_3"),
        ("a", "c", "b", "d"),
    ],
)
def test_every_usual_name_of_an_array(tmp_path: Path, names: tuple[str, ...]) -> None:
    mine = load(tmp_path, **dict(zip(names, (X, Y, X[:8], Y[:8]), strict=True)))
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [36, 4, 8]
    np.testing.assert_array_equal(mine.test.images[:, 0], X[:8])
    by_shape = ("_" in names[0] and names[0][-1] == "0") or names[0] == "a"
    assert bool(mine.notes) == by_shape


def test_order_of_train_test_split_is_understood_by_shapes(tmp_path: Path) -> None:
    """``train_test_split`` gives both images first."""
    np.savez(tmp_path / "mine.npz", X, X[:8], Y, Y[:8])
    mine = load_dataset(str(tmp_path / "mine.npz"))
    np.testing.assert_array_equal(mine.test.images[:, 0], X[:8])
    assert mine.notes == (
        "Taken as images and labels by their shapes: arr_0 and arr_2 to train and arr_1 and arr_3 "
        "to test.",
    )


def test_what_is_not_used_is_told_and_lone_test_images_are_left_out(tmp_path: Path) -> None:
    mine = load(tmp_path, x=X, y=Y, ids=np.arange(40), x_test=X)
    assert mine.notes == ("Arrays that are not used: ids and x_test.",) and len(mine.test) == 4


def test_rows_of_pixels_are_squares_or_as_the_input(tmp_path: Path) -> None:
    rows = X[:, :5].reshape(40, 25)
    assert load(tmp_path, x=rows, y=Y).input_shape == (1, 5, 5)
    path = save(tmp_path, x=X.reshape(40, 30), y=Y)
    assert load_dataset(str(path), shape=(1, 6, 5)).input_shape == (1, 6, 5)
