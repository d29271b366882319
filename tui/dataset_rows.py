"""The table of the datasets: a row for each, and how to get one that is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnn_tui.engine.data.forms import CLASS_FOLDERS, FORMS
from cnn_tui.engine.data.sources import IMAGENET
from cnn_tui.engine.shapes import format_shape
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.rows import Column, TableRow

if TYPE_CHECKING:
    # NumPy, which only data that is shown needs.
    from cnn_tui.engine.data.catalog import DatasetEntry

COLUMNS = (
    Column("dataset"),
    Column("images"),
    Column("count", right=True),
    Column("classes", right=True),
    Column("state"),
    Column("description", rank=1),
)


def row_of(entry: DatasetEntry, given: bool) -> TableRow:
    """Return the row of a dataset; ``given``: in a folder that the person named."""
    here = "in your folder" if given else "here"
    offered = (
        f"{entry.download_bytes / 1e6:,.0f} MB to download"
        if entry.download_bytes
        else "your folder"
    )
    return TableRow(
        entry.name,
        (
            entry.name,
            format_shape(entry.input) if entry.input else "any",
            f"{entry.images:,}" if entry.images else "any",
            str(entry.classes or "any"),
            here if entry.ready else offered,
            entry.description,
        ),
    )


def ways_to_get(entry: DatasetEntry) -> str:
    """Return what to press for a dataset that is not here."""
    if entry.download_bytes:
        return (
            keyed("{data.fetch} downloads it: ")
            + f"{entry.download_bytes / 1e6:,.0f} MB, to {entry.folder}; "
            + keyed("{data.folder} opens the folder of a copy")
        )
    form = CLASS_FOLDERS if entry.name == IMAGENET else FORMS
    return (
        keyed("{data.folder} opens your own: ")
        + f"{form}; in Build it is the data {entry.name!r}, or its path"
    )
