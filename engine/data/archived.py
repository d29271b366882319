"""Pictures in a ``.tar.gz`` with a folder for each class, such as Imagenette's.

They are decoded as the archive is read, once from end to end: nothing of it is extracted, and no
name in it becomes a path.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cnn_tui.engine.data.cache import cached, digest, file_state
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.decoded import decoded
from cnn_tui.engine.data.folder import dataset_of, require_colours
from cnn_tui.engine.data.layouts import find_layout, list_pictures
from cnn_tui.engine.data.listing import LabelledImage, Listing
from cnn_tui.engine.data.sets import SOURCES
from cnn_tui.engine.data.sources import Progress
from cnn_tui.engine.data.streams import Capped
from cnn_tui.engine.data.tree import FolderTree
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.network import ResizeRule
from cnn_tui.engine.specs.wording import plain

_PICTURE = re.compile(r"(?:\./)?[^/]+/(train|val)/([^/]+)/[^/]+\.jpe?g", re.IGNORECASE)
_SPLITS = {"train": "train", "val": "test"}
"""What is published for validation tests here; a part of the training pictures validates."""
_MOST_BYTES, _MOST_PICTURE = 4 << 30, 32 << 20
_LISTING = "listing.json"


def load_archived(
    name: str,
    folder: Path,
    shape: tuple[int, int, int],
    *,
    resize: ResizeRule = "crop",
    skip_damaged: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load the archive of the dataset ``name`` in ``folder``, or the unpacked copy there.

    The arguments are those of :func:`cnn_tui.engine.data.folder.load_folder`.

    Raises:
        DataError: There is neither, or it is damaged.
    """
    require_colours(folder, shape)
    archive = folder / SOURCES[name].files[0].name
    if archive.is_file():
        key = digest(file_state(archive))
        listing = _listing(name, archive, key)
    else:
        listing = _unpacked(folder, archive)
        key = listing.digest()
    names = SOURCES[name].classes
    if len(names) == len(listing.classes):
        listing = listing._replace(classes=names)
    pictures = decoded(
        f"{name} {folder.resolve()}",
        key,
        lambda: _contents(archive) if archive.is_file() else map(_path, listing.pictures),
        len(listing.pictures),
        shape,
        resize=resize,
        progress=progress,
    )
    return dataset_of(name, listing, pictures, skip_damaged=skip_damaged)


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
        raise _damaged(archive, "it has no pictures in folders of two classes or more")
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
        raise _damaged(archive, f"it is damaged or truncated ({error})") from error


def _damaged(archive: Path, what: str) -> DataError:
    return DataError(f"{archive}: {what}.", "Fetch the file again.")
