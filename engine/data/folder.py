"""Pictures with their classes as a dataset of any size.

Every picture is decoded once, to the input size of the network, into the user's cache; batches are
read from there. Decoding first also finds damaged pictures before a training begins.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Split, share, stratified_order
from cnn_tui.engine.data.decoded import Decoded, Remark, decoded
from cnn_tui.engine.data.listing import Listing
from cnn_tui.engine.data.own import contents
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.errors import DamagedPicturesError, DataError
from cnn_tui.engine.specs.wording import plain

DEFAULT_SHAPE = (3, 32, 32)
_PARTS = 10
"""One picture in ten is held out for each missing split."""
_NAMED = 3


def load_pictures(path: Path, listing: Listing, options: ReadingOptions) -> Dataset:
    """Load pictures, each brought to the shape of ``options``, ``(C, H, W)``.

    Splits that are missing are held out of the training pictures, stratified.

    Args:
        path: The folder or archive that holds them.
        listing: The pictures, with their classes.
        options: Shape, way of resizing, and what to do with damaged pictures.

    Raises:
        DamagedPicturesError: A picture is damaged, and they are not to be left out.
        DataError: The cache has too little space.
    """
    shape = options.shape or DEFAULT_SHAPE
    require_colours(path, shape)
    pictures = decoded(
        str(path.resolve()),
        listing.digest(),
        lambda: contents(listing),
        len(listing.pictures),
        shape,
        resize=options.resize,
        progress=options.progress,
    )
    title = plain(path.resolve().name) or "images"
    return dataset_of(title, listing, pictures, skip_damaged=options.skip_damaged)


def require_colours(place: Path, shape: tuple[int, int, int]) -> None:
    """Refuse an input that pictures cannot have.

    Raises:
        DataError: It has neither one nor three channels.
    """
    if shape[0] not in (1, 3):
        raise DataError(
            f"{place}: pictures have 1 channel (grey) or 3 (colour), the network wants {shape[0]}.",
            "Change the network's input.",
        )


def dataset_of(
    title: str, listing: Listing, pictures: Decoded, *, skip_damaged: bool = False
) -> Dataset:
    """The listed pictures in their splits; those that are missing are held out, stratified.

    Raises:
        DamagedPicturesError: A picture is damaged, and ``skip_damaged`` is not set.
    """
    damaged = [remark for remark in pictures.remarks if remark.why]
    named = [f"{plain(listing.pictures[bad.index].path)}: {bad.why}" for bad in damaged]
    if damaged and not skip_damaged:
        raise DamagedPicturesError(
            f"{_some(named)}.",
            "Replace or remove the damaged pictures, or leave them out with --skip-damaged.",
        )
    labels = np.array([picture.label for picture in listing.pictures], np.int64)
    names = np.array([picture.split or "train" for picture in listing.pictures])
    good = np.ones(len(labels), bool)
    good[[bad.index for bad in damaged]] = False
    rows = {name: np.flatnonzero(good & (names == name)) for name in ("train", "val", "test")}
    for name in ("test", "val"):
        if not len(rows[name]):
            rows[name], rows["train"] = _held_out(rows["train"], labels)
    splits = {name: Split(pictures.images(chosen), labels[chosen]) for name, chosen in rows.items()}
    notes = (*listing.notes, *_notes(named, pictures.remarks))
    return Dataset(title, listing.classes, **splits, notes=notes)


def _some(named: list[str]) -> str:
    more = f" (and {len(named) - _NAMED:,} more)" if len(named) > _NAMED else ""
    return f"{'; '.join(named[:_NAMED])}{more}"


def _notes(damaged: list[str], remarks: tuple[Remark, ...]) -> tuple[str, ...]:
    notes = []
    if damaged:
        notes.append(f"Damaged pictures left out: {len(damaged):,} ({_some(damaged)}).")
    if animated := sum(remark.animated for remark in remarks):
        notes.append(f"Animated pictures, of which the first frame is used: {animated:,}.")
    return tuple(notes)


def _held_out(
    rows: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = rows[stratified_order(labels[rows])] if len(rows) else rows
    held = share(len(rows), _PARTS)
    return np.sort(order[:held]), np.sort(order[held:])
