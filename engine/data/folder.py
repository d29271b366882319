"""A folder of pictures per class as a dataset of any size.

Every picture is decoded once, to the input size of the network, into the user's cache; batches are
read from there. Decoding first also finds damaged pictures before a training begins.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.data.dataset import Dataset, Split, share, stratified_order
from cnn_tui.engine.data.decoded import Decoded, Remark, decoded
from cnn_tui.engine.data.listing import Listing, list_pictures
from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.errors import DamagedPicturesError, DataError
from cnn_tui.engine.specs.network import ResizeRule
from cnn_tui.engine.specs.wording import plain

DEFAULT_SHAPE = (3, 32, 32)
_PARTS = 10
"""One picture in ten is held out for each missing split."""
_NAMED = 3


def load_folder(
    folder: Path,
    shape: tuple[int, int, int] = DEFAULT_SHAPE,
    *,
    resize: ResizeRule = "crop",
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load the pictures of ``folder/CLASS/``, each brought to ``shape``, ``(C, H, W)``.

    Folders ``train``, ``test`` and ``val`` around the classes become the splits; missing ones are
    held out of the training pictures, stratified.

    Args:
        folder: See :func:`list_pictures`.
        shape: One channel for grey, three for colour.
        resize: How pictures of another size are brought to it.
        skip_damaged: Leave damaged pictures out instead of refusing the folder.
        progress: Called after every few pictures.

    Raises:
        DamagedPicturesError: A picture is damaged, and ``skip_damaged`` is not set.
        DataError: The folder has another structure, or the cache has too little space.
    """
    require_colours(folder, shape)
    listing = list_pictures(folder)
    pictures = decoded(
        str(folder.resolve()),
        listing.digest(),
        lambda: (Path(picture.path) for picture in listing.pictures),
        len(listing.pictures),
        shape,
        resize=resize,
        progress=progress,
    )
    title = plain(folder.resolve().name) or "images"
    return dataset_of(title, listing, pictures, skip_damaged=skip_damaged)


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
    notes = _notes(named, pictures.remarks)
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
