"""Pictures in a ``.tar.gz`` with a folder for each class, such as Imagenette's.

They are decoded as the archive is read, once from end to end: nothing of it is extracted, and no
name in it becomes a path.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from cnn_tui.engine.data.cache import cached, digest, file_state
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.decoded import decoded
from cnn_tui.engine.data.few import few_of, first_of_classes
from cnn_tui.engine.data.folder import DEFAULT_SHAPE, dataset_of, require_colours
from cnn_tui.engine.data.layouts import find_layout, list_pictures
from cnn_tui.engine.data.listing import LabelledImage, Listing
from cnn_tui.engine.data.pictures import PictureSource
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.data.sets import SOURCES
from cnn_tui.engine.data.streams import Capped, damaged
from cnn_tui.engine.data.tree import FolderTree
from cnn_tui.engine.specs.wording import plain

_PICTURE = re.compile(r"(?:\./)?[^/]+/(train|val)/([^/]+)/[^/]+\.jpe?g", re.IGNORECASE)
_SPLITS = {"train": "train", "val": "test"}
"""The published validation split is the test split here; training pictures validate."""
_MOST_BYTES, _MOST_PICTURE = 4 << 30, 32 << 20
_LISTING = "listing.json"


def load_archived(name: str, folder: Path, options: ReadingOptions) -> Dataset:
    """Load the archive of the dataset ``name`` in ``folder``, or the unpacked copy there.

    Raises:
        DamagedPicturesError: A picture is damaged, and they are not to be left out.
        DataError: There is neither, or it is damaged.
    """
    shape = options.shape or DEFAULT_SHAPE
    require_colours(folder, shape)
    found = _open(name, folder)
    pictures = decoded(
        f"{name} {folder.resolve()}",
        found.key,
        found.contents,
        len(found.listing.pictures),
        shape,
        resize=options.resize,
        progress=options.progress,
    )
    return dataset_of(name, found.listing, pictures, skip_damaged=options.skip_damaged)


def few_archived(name: str, folder: Path, shape: tuple[int, int, int], most: int) -> Dataset:
    """A picture of each of the first ``most`` classes of an archive, for which it is read once.

    Raises:
        DataError: There is no archive, or it is damaged.
    """
    found = _open(name, folder)
    labels = {index: label for label, index in first_of_classes(found.listing, most).items()}
    chosen = (
        (labels[index], content)
        for index, content in enumerate(found.contents())
        if index in labels
    )
    return few_of(name, found.listing.classes, chosen, shape)


class _Opened(NamedTuple):
    listing: Listing
    key: str
    """A digest that changes with the content."""
    contents: Callable[[], Iterable[PictureSource]]
    """Returns the pictures in the order of the listing."""


def _open(name: str, folder: Path) -> _Opened:
    archive = folder / SOURCES[name].files[0].name
    if archive.is_file():
        key = digest(file_state(archive))
        found = _Opened(_listing(name, archive, key), key, lambda: _contents(archive))
    else:
        listing = _unpacked(folder, archive)
        found = _Opened(listing, listing.digest(), lambda: map(_path, listing.pictures))
    names = SOURCES[name].classes
    if len(names) != len(found.listing.classes):
        return found
    return found._replace(listing=found.listing._replace(classes=names))


def _path(picture: LabelledImage) -> Path:
    return Path(picture.path)


def _unpacked(folder: Path, archive: Path) -> Listing:
    inside = folder / archive.name.partition(".")[0]
    tree = FolderTree(inside if inside.is_dir() else folder)
    listing = list_pictures(tree, find_layout(tree))
    pictures = tuple(
        picture._replace(split=_SPLITS.get(picture.split, picture.split))
        for picture in listing.pictures
    )
    return listing._replace(pictures=pictures)


def _listing(name: str, archive: Path, key: str) -> Listing:
    """The pictures in the order of the archive, listed once: it has to be read for that."""
    place = cached(
        f"{name}-listing",
        key,
        _MOST_PICTURE,
        lambda made: _write_listing(archive, made / _LISTING),
    )
    return msgspec.json.decode((place / _LISTING).read_bytes(), type=Listing)


def _write_listing(archive: Path, path: Path) -> None:
    found = [(match[1].lower(), match[2], name, size) for match, name, size, _ in _members(archive)]
    classes = sorted({of_class for _, of_class, _, _ in found})
    if len(classes) < 2:
        raise damaged(archive, "it has no pictures in folders of two classes or more")
    pictures = tuple(
        LabelledImage(plain(name), classes.index(of_class), _SPLITS[split], size, 0)
        for split, of_class, name, size in found
    )
    path.write_bytes(msgspec.json.encode(Listing(tuple(map(plain, classes)), pictures)))


def _contents(archive: Path) -> Iterator[bytes]:
    for _, _, _, content in _members(archive, read=True):
        yield content


def _members(
    archive: Path, *, read: bool = False
) -> Iterator[tuple[re.Match[str], str, int, bytes]]:
    """Name, size and content of each picture; the content is empty unless it is to be read."""
    try:
        with (
            gzip.open(archive) as unpacked,
            tarfile.open(fileobj=Capped(unpacked, _MOST_BYTES), mode="r|") as tar,
        ):
            for member in tar:
                match = _PICTURE.fullmatch(member.name)
                if match is None or not member.isreg() or member.size > _MOST_PICTURE:
                    continue
                stream = tar.extractfile(member) if read else None
                yield match, member.name, member.size, stream.read() if stream else b""
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise damaged(archive, f"it is damaged or truncated ({error})") from error
