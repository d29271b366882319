"""Parquet files of pictures as Hugging Face exports them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.errors import DataError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra parquet)")
pq = pytest.importorskip("pyarrow.parquet")

NAMES = ("dog", "cat")


def png(grey: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8), grey, "u1")).save(stream, "png")
    return stream.getvalue()


def write(path: Path, labels: list[Any], *, first: int = 0, names: Any = NAMES) -> Path:
    """Pictures whose grey is ``first`` and so on, in groups of seven rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"bytes": png(first + at), "path": None} for at in range(len(labels))]
    features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pa.table({"image": cells, "label": labels})
    table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, path, row_group_size=7)
    return path


def refused(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


def test_files_of_splits_with_the_names_of_classes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data / "train-00000-of-00002.parquet", [at % 2 for at in range(20)])
    write(data / "train-00001-of-00002.parquet", [at % 2 for at in range(10)], first=20)
    write(data / "validation-00000-of-00001.parquet", [0, 1], first=30)
    write(data / "test-00000-of-00001.parquet", [1, 0, 1], first=32)
    mine = load_dataset(str(tmp_path), shape=(1, 8, 8))
    assert (mine.classes, mine.notes) == (NAMES, ())
    greys = [part.images[:][:, 0, 0, 0].tolist() for part in (mine.train, mine.val, mine.test)]
    assert greys == [list(range(30)), [30, 31], [32, 33, 34]]
    assert mine.train.labels.tolist() == [grey % 2 for grey in range(30)]
    assert mine.test.labels.tolist() == [1, 0, 1]


def test_labels_that_are_kept_secret_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1] * 10)
    write(tmp_path / "test.parquet", [-1, -1, -1])
    mine = load_dataset(str(tmp_path), shape=(1, 8, 8))
    assert mine.notes == ("3 images to test have no labels and are left out.",)


@pytest.mark.parametrize("names", [None, 7, "xy", {"a": 1}])
def test_without_names_the_labels_are_the_classes(tmp_path: Path, names: Any) -> None:
    mine = load_dataset(str(write(tmp_path / "x.parquet", [3, 5] * 10, names=names)))
    assert mine.classes == ("3", "5") and "label 4 never occurs" in mine.notes[0]


def test_damaged_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write(tmp_path / "x.parquet", [0, 1] * 10)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PAR1", b"no parquet at all"):
        path.write_bytes(content)
        refused(path, "it is damaged or no Parquet")
    flipped = bytearray(whole)
    flipped[40:400] = bytes(360)
    path.write_bytes(flipped)
    refused(path, "x.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, 2]}, "expected a column image of pictures and a column label, found 'a'"),
        ({"image": [b"1", b"2"], "x": [1, 2]}, "found 'image' and 'x'.*--labels-from"),
        ({"image": ["1", "2"], "label": [0, 1]}, "expected the bytes of pictures"),
        ({"image": [{"url": "x"}] * 2, "label": [0, 1]}, "expected the bytes of pictures"),
    ],
)
def test_other_columns_are_refused(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", message)


def test_row_without_bytes_is_a_damaged_picture(tmp_path: Path) -> None:
    cells = [{"bytes": png(at), "path": None} for at in range(20)]
    cells[7]["bytes"] = None
    table = pa.table({"image": cells, "label": [0, 1] * 10})
    pq.write_table(table, tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", "x.parquet#row 7: it is empty")


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.parquet", [0, 1] * 10)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(path, "pip install 'cnn-tui.parquet.'")
