"""Parquet files of pictures as Hugging Face exports them: ``image.bytes`` and ``label`` a row.

Only labels are read to list them; the bytes of pictures are read a group of rows at a time, when
they are decoded. pyarrow is imported when a file is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from cnn_tui.engine.data.arrays import split_of
from cnn_tui.engine.data.listing import LabelledFile, Listing, make_listing
from cnn_tui.engine.data.pixel_tables import LABEL_NAMES
from cnn_tui.engine.data.tree import StoredFile, Tree, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain, show

FORM = "parquet"
"""``Listing.archive`` of pictures in Parquet files."""
_IMAGE_NAMES = ("image", "img", "picture")
_LABELS = (*LABEL_NAMES, "fine_label")
_ROW = "#row "
_UNKNOWN = -1
"""The label of test images whose classes are kept secret."""


def list_parquet(
    tree: Tree,
    files: Sequence[StoredFile],
    *,
    labels_from: str = "",
    classes: Sequence[str] = (),
) -> Listing:
    """List the pictures of files such as ``train-00000-of-00002.parquet``.

    Args:
        tree: A folder that holds the files.
        files: Their names say the splits; all are for training if none does.
        labels_from: Name of the column of labels.
        classes: Names of all classes in order, in place of those in the files.

    Raises:
        DataError: A file is damaged, has no pictures or labels, or pyarrow is not installed.
    """
    if tree.archive:
        raise DataError(
            f"{tree.archive}: Parquet files are not read inside a zip.", "Unpack it first."
        )
    found: list[LabelledFile] = []
    names: tuple[str, ...] = ()
    for file in files:
        split = split_of(re.findall(r"[a-z]+", file.name.lower().partition("-of-")[0])) or "train"
        with _opened(tree.path(file.at)) as parquet:
            label = _columns(parquet, tree.path(file.at), labels_from)[1]
            names = names or _class_names(parquet, label)
            labels = parquet.read(columns=[label])[label].to_pylist()
        found += [
            LabelledFile(file._replace(at=f"{file.at}{_ROW}{row}"), given, split)
            for row, given in enumerate(labels)
        ]
    notes, kept = _without_unknown(found)
    where = shown(tree, files[0].at.rpartition("/")[0])
    listing = make_listing(tree, kept, where, classes or names, notes)
    return listing._replace(archive=FORM)


def _without_unknown(found: Sequence[LabelledFile]) -> tuple[tuple[str, ...], list[LabelledFile]]:
    kept = [picture for picture in found if picture.label not in (None, _UNKNOWN)]
    left = len(found) - len(kept)
    secret = {picture.split for picture in found} - {picture.split for picture in kept}
    if secret and "train" not in secret:
        words = listed(sorted(secret), "and")
        return (f"{left:,} images to {words} have no labels and are left out.",), kept
    return (), list(found)


def read_row(path: str) -> bytes:
    """The bytes of a picture that :func:`list_parquet` listed; quick if asked for in order.

    Raises:
        DataError: The file is damaged, or the row has no bytes.
    """
    file, _, row = path.rpartition(_ROW)
    first, pictures = _group(file, _stamp(file), int(row))
    content = pictures[int(row) - first]
    return content if isinstance(content, bytes) else b""


def _stamp(file: str) -> int:
    return Path(file).stat().st_mtime_ns


@lru_cache(maxsize=2)
def _group_at(file: str, stamp: int, group: int) -> list[Any]:
    with _opened(file) as parquet:
        image = _columns(parquet, file, "")[0]
        column = parquet.read_row_group(group, columns=[image])[image]
        return [
            cell.get("bytes") if isinstance(cell, dict) else cell for cell in column.to_pylist()
        ]


@lru_cache(maxsize=8)
def _starts(file: str, stamp: int) -> tuple[int, ...]:
    with _opened(file) as parquet:
        metadata = parquet.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return tuple(sum(sizes[:group]) for group in range(len(sizes)))


def _group(file: str, stamp: int, row: int) -> tuple[int, list[Any]]:
    starts = _starts(file, stamp)
    group = max(number for number, start in enumerate(starts) if start <= row)
    return starts[group], _group_at(file, stamp, group)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise DataError(
            f"{path}: reading Parquet needs pyarrow, which is not installed.",
            "Install it with: pip install 'cnn-tui[parquet]'.",
        ) from None
    try:
        with ParquetFile(path) as parquet:
            yield parquet
    except (ArrowException, OSError) as error:
        reason = plain(str(error).partition("\n")[0])[:120]
        raise DataError(
            f"{path}: it is damaged or no Parquet ({reason}).", "Get the file again."
        ) from None


def _columns(parquet: Any, where: str, labels_from: str) -> tuple[str, str]:
    """The columns of pictures and of labels."""
    schema = parquet.schema_arrow
    names = list(schema.names)
    images = [name for name in names if name.lower() in _IMAGE_NAMES]
    wanted = (labels_from,) if labels_from else _LABELS
    labels = [name for name in names if name in wanted or name.lower() in wanted]
    if len(images) != 1 or not labels:
        raise DataError(
            f"{where}: expected a column image of pictures and a column label, found "
            f"{listed([show(name) for name in names[:8]] or ['none'], 'and')}.",
            "Name the column of the labels with --labels-from COLUMN." if images else "",
        )
    if _has_no_bytes(schema.field(images[0]).type):
        raise DataError(f"{where}: expected the bytes of pictures in the column {images[0]}.")
    return images[0], labels[0]


def _has_no_bytes(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return bool(kind.get_field_index("bytes") < 0)
    return not (types.is_binary(kind) or types.is_large_binary(kind))


def _class_names(parquet: Any, label: str) -> tuple[str, ...]:
    """The names of the classes that Hugging Face keeps beside the columns; none without them."""
    metadata = parquet.schema_arrow.metadata or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        names = features[label]["names"]
        return tuple(map(str, names)) if isinstance(names, list) else ()
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
