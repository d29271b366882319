"""CSV files of pixels: as Kaggle, spreadsheets and pandas write them, and as they go wrong."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (60, 16))
Y = np.arange(60) % 3
NAMES = [f"pixel{at}" for at in range(16)]
Row = Sequence[object]


def rows(labels: Sequence[object] = Y.tolist(), x: np.ndarray = X) -> list[Row]:
    return [[label, *row] for label, row in zip(labels, x.tolist(), strict=True)]


def write(path: Path, table: Sequence[Row], separator: str = ",", end: str = "\n") -> Path:
    path.write_text("".join(separator.join(map(str, row)) + end for row in table), "utf-8")
    return path


def every(mine: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels, in the order of X."""
    parts = (mine.train, mine.val, mine.test)
    images = np.concatenate([part.images[:] for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    order = np.lexsort(images.reshape(60, -1).T)
    return images[order], labels[order]


ORDER = np.lexsort(X.T)
HEADER: Row = ["label", *NAMES]


def read_rightly(
    path: Path, classes: tuple[str, ...] = ("0", "1", "2"), **options: object
) -> Dataset:
    mine = load_dataset(str(path), **options)  # type: ignore[arg-type]
    images, labels = every(mine)
    np.testing.assert_array_equal(images.reshape(60, -1), X[ORDER])
    np.testing.assert_array_equal(labels, Y[ORDER])
    assert images.dtype == np.uint8 and mine.classes == classes
    return mine


def refused(path: Path, message: str, **options: object) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(str(path), **options)  # type: ignore[arg-type]
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


def test_as_kaggle_writes_it(tmp_path: Path) -> None:
    mine = read_rightly(write(tmp_path / "train.csv", [HEADER, *rows()]))
    assert mine.name == "train" and mine.input_shape == (1, 4, 4) and mine.notes == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("separator", "suffix"), [(",", "csv"), (";", "csv"), ("\t", "tsv")])
def test_separators_and_ends_of_lines(
    tmp_path: Path, separator: str, suffix: str, end: str
) -> None:
    path = write(tmp_path / f"x.{suffix}", [HEADER, *rows(), []], separator, end)
    path.write_text("\ufeff" + path.read_text("utf-8"), "utf-8", newline="")
    read_rightly(path)


def test_gzipped_and_quoted(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [[f'"{cell}"' for cell in row] for row in [HEADER, *rows()]])
    read_rightly(path)
    packed = tmp_path / "x.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    read_rightly(packed)
    packed.write_bytes(packed.read_bytes()[:200])
    refused(packed, "damaged or cut off")


@pytest.mark.parametrize("label", ["label", "digit", "Class", "emotion"])
@pytest.mark.parametrize("place", [0, 5, 16])
def test_label_column_by_its_name(tmp_path: Path, label: str, place: int) -> None:
    table = []
    for first, *pixels in [[label, *NAMES], *rows()]:
        pixels.insert(place, first)
        table.append(pixels)
    mine = read_rightly(write(tmp_path / "x.csv", table))
    assert bool(mine.notes) == (label == "emotion")


def test_index_of_pandas_is_no_pixel(tmp_path: Path) -> None:
    table = [[at - 1 if at else "", *row] for at, row in enumerate([HEADER, *rows()])]
    read_rightly(write(tmp_path / "x.csv", table))
    numbered: Row = ["label", *range(16)]
    read_rightly(write(tmp_path / "x.csv", [numbered, *rows()]))


def test_without_names_a_column_that_can_be_nothing_else(tmp_path: Path) -> None:
    texts = [["cat", "dog", "eel"][label] for label in Y]
    classes = ("cat", "dog", "eel")
    mine = read_rightly(write(tmp_path / "x.csv", rows(texts)), classes)
    assert mine.notes == ("Labels are taken from the first column.",)
    path = write(tmp_path / "x.csv", rows())
    refused(path, "first or in the last column. Say it with --labels-from first")
    read_rightly(path, labels_from="first")
    refused(path, "no column 'colour'", labels_from="colour")
    blank = X.copy()
    blank[:, -1] = 0
    mine = load_dataset(str(write(path, rows(x=blank))))
    assert mine.notes == ("Labels are taken from the first column.",)


def test_fractions_and_decimal_commas(tmp_path: Path) -> None:
    table = [[label, *(f"{pixel / 255:.4f}" for pixel in row)] for label, *row in rows()]
    mine = load_dataset(str(write(tmp_path / "x.csv", [HEADER, *table])))
    assert mine.train.images.dtype == np.float32 and mine.train.images[:].max() <= 1
    text = "\n".join(";".join(map(str, row)) for row in [HEADER, *table]).replace(".", ",")
    (tmp_path / "y.csv").write_text(text)
    german = load_dataset(str(tmp_path / "y.csv"))
    np.testing.assert_array_equal(german.train.images[:], mine.train.images[:])


def test_shape_follows_the_input_else_a_square(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [HEADER, *rows()])
    wide = load_dataset(str(path), shape=(1, 2, 8))
    assert wide.input_shape == (1, 2, 8)
    assert load_dataset(str(path), shape=(3, 32, 32)).input_shape == (1, 4, 4)
    colour = [[label, *row[:12]] for label, *row in rows()]
    mine = load_dataset(str(write(path, [HEADER[:13], *colour])))
    assert mine.input_shape == (3, 2, 2)
    reds = {tuple(row[0:12:3]) for row in X.tolist()}
    assert {tuple(image[0].ravel().tolist()) for image in mine.train.images[:]} <= reds
    odd = [[label, *row[:15]] for label, *row in rows()]
    refused(write(path, [HEADER[:16], *odd]), "a square image in each row.* received 15")


def test_blocks_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_tui.engine.data.tables._BLOCK", 500)
    path = write(tmp_path / "x.csv", [HEADER, *rows()])
    read_rightly(path)
    table = [list(row) for row in rows()]
    table[40][3] = "x"
    refused(write(path, [HEADER, *table]), "line 42: expected a number in column 'pixel2'")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["1", *map(str, range(17))], "line 11: expected 17 cells, received 18"),
        (["1", *map(str, range(15))], "line 11: expected 17 cells, received 16"),
        (["1", "nan", *map(str, range(15))], "line 11: .* column 'pixel0', received 'nan'"),
        (["1", "", *map(str, range(15))], "line 11: .* column 'pixel0', received ''"),
        (["1", "1e99", *map(str, range(15))], "line 11: .* column 'pixel0', received '1e99'"),
        (["", *map(str, range(16))], "line 11: expected a label in column 'label'"),
        (['"1', *map(str, range(16))], "line 11: expected a closing quote in the same line"),
        (["1.5", *map(str, range(16))], "column 'label': expected whole numbers .* received 1.5"),
    ],
)
def test_wrong_row_is_named_with_its_line(tmp_path: Path, row: Row, message: str) -> None:
    table = [HEADER, *rows()]
    table[10] = row
    refused(write(tmp_path / "x.csv", table), message)


def test_pixels_out_of_range_stay_numbers(tmp_path: Path) -> None:
    mine = load_dataset(str(write(tmp_path / "x.csv", [HEADER, *rows(x=X * 16)])))
    assert mine.train.images.dtype == np.float32 and mine.train.images[:].max() > 255


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\n\n \n", "it is empty"),
        (b"label,a,b,c,d\n", "expected rows below the names of columns, found none"),
        (b",".join([b"1"] * 300_000) + b"\n", "line 1: expected at most 262,144 columns"),
        (b"1," * 9_000_000, "a line has more than 8 MB"),
        ("label,a\n1,2\n".encode("utf-16"), "expected UTF-8, received UTF-16"),
        (b"label,a\n1,\xff\n", "line 2: expected text in UTF-8"),
        (b"hello, world\nthis is, text\n", "expected rows of pixels with a label"),
    ],
)
def test_what_is_no_table_of_pixels_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    refused(path, message)


def fer(labels: Sequence[int], pixels: Sequence[str], usage: Sequence[str]) -> list[Row]:
    return [["emotion", "pixels", "Usage"], *zip(labels, pixels, usage, strict=True)]


def test_all_pixels_in_one_cell(tmp_path: Path) -> None:
    cells, labels = [" ".join(map(str, row)) for row in X.tolist()], Y.tolist()
    uses = ["PrivateTest"] * 9 + ["PublicTest"] * 6 + ["Training"] * 45
    path = write(tmp_path / "fer2013.csv", fer(labels, cells, uses))
    mine = read_rightly(path)
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [45, 6, 9]
    assert mine.notes == ("Labels are taken from column 'emotion'.",)
    write(path, fer(labels, [*cells[:8], "1 2", *cells[9:]], uses))
    refused(path, "line 10: expected 16 pixels, received 2")
    write(path, fer(labels, [*cells[:8], cells[8] + "x", *cells[9:]], uses))
    refused(path, "line 10: expected numbers as pixels")
    write(path, fer(labels, cells, ["PrivateTest"] * 60))
    refused(path, "expected rows to train with, found only others")
    write(path, fer(labels, cells, ["?"] * 60))
    refused(path, "line 2: expected train, val or test, received '?'")


def test_splits_beside_each_other(tmp_path: Path) -> None:
    write(tmp_path / "fashion_train.csv", [HEADER, *rows()])
    write(tmp_path / "fashion_test.csv", [HEADER, *rows()[:9]])
    mine = load_dataset(str(tmp_path))
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [54, 6, 9]
    write(tmp_path / "fashion_test.csv", [NAMES, *X[:9].tolist()])
    write(tmp_path / "sample_submission.csv", [["ImageId", "Label"], [1, 0]])
    mine = load_dataset(str(tmp_path))
    assert len(mine.test) == 6
    assert mine.notes == (
        "fashion_test.csv has no labels and is left out; cnn-tui predict reads it.",
    )
    refused(tmp_path / "fashion_test.csv", "one column of labels beside the pixels, found none")
    write(tmp_path / "more.csv", [HEADER, *rows()])
    refused(tmp_path, "not clear which table is for training")


@pytest.mark.parametrize(
    ("header", "values", "notes"),
    [
        (["fold"], [3], ["Columns that are not used: 'fold'."]),
        (["Unnamed: 0", "id"], [1, 2], []),
        (
            ["Target"],
            [1],
            [
                "Labels are taken from column 'label'.",
                "Columns that are not used: 'Target'.",
            ],
        ),
        (
            ["usage"],
            ["Training"],
            [
                "Columns that are not used: 'usage'. Rows are divided at random; to keep their "
                "splits, save a file for each."
            ],
        ),
        (list("abcde"), [1] * 5, ["Columns that are not used: 'a', 'b', 'c', 'd' and others."]),
    ],
)
def test_columns_that_are_not_used_are_told(
    tmp_path: Path, header: list[str], values: Row, notes: list[str]
) -> None:
    table = [[*header, *HEADER], *([*values, *row] for row in rows())]
    assert list(read_rightly(write(tmp_path / "a.csv", table)).notes) == notes
