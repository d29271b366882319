"""Files of a folder or inside a zip archive, listed and opened in the same way.

A zip is read in place, never extracted. Its names may be hostile: one that leads out of the archive
is refused, as are links.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Protocol

from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.files import open_named
from cnn_tui.engine.specs.wording import plain, show

_SKIPPED = "__MACOSX"
"""The folder that macOS adds to archives."""
_MOST_MEMBERS = 5_000_000
_MOST_BYTES = 256 << 20
"""Bytes of a picture."""


class StoredFile(NamedTuple):
    """A file of a tree."""

    at: str
    """Its place below the root, with slashes."""
    size: int
    stamp: int
    """A number that changes with the content: time of change in nanoseconds, or a checksum."""

    @property
    def name(self) -> str:
        """The last part of its place."""
        return self.at.rpartition("/")[2]


class Tree(Protocol):
    """Folders and files below a root; hidden ones are left out, names are sorted."""

    def folders(self, at: str = "") -> tuple[str, ...]:
        """Names of the folders in a folder."""

    def files(self, at: str = "") -> tuple[StoredFile, ...]:
        """The files in a folder."""

    def open(self, at: str) -> IO[bytes]:
        """Open a file to be read."""

    def path(self, at: str) -> str:
        """The place as a path, which :func:`shown` tells people."""

    @property
    def archive(self) -> str:
        """The path of the archive; empty for a folder."""


def shown(tree: Tree, at: str) -> str:
    """A place for messages: names in archives may hold anything."""
    return plain(tree.path(at))


def join(*names: str) -> str:
    """A place below a folder of a tree; the root is empty."""
    return "/".join(filter(None, names))


class FolderTree:
    """The files below a folder of the disk."""

    archive = ""

    def __init__(self, root: Path) -> None:
        self._root = root
        # Joined as text: a set may have a million pictures.
        self._before = "" if str(root) == os.curdir else os.path.join(root, "")  # noqa: PTH118
        self._known: dict[str, tuple[tuple[str, ...], tuple[StoredFile, ...]]] = {}

    def folders(self, at: str = "") -> tuple[str, ...]:
        """Names of the folders in a folder; raises ``DataError`` if it cannot be read."""
        return self._entries(at)[0]

    def files(self, at: str = "") -> tuple[StoredFile, ...]:
        """The regular files in a folder: opening a pipe or a device would block."""
        return self._entries(at)[1]

    def open(self, at: str) -> IO[bytes]:
        """Open a file to be read."""
        return open_named(self._root / at)

    def path(self, at: str) -> str:
        """The path of a place."""
        return f"{self._before}{at}" if at else str(self._root)

    def _entries(self, at: str) -> tuple[tuple[str, ...], tuple[StoredFile, ...]]:
        if at not in self._known:
            try:
                with os.scandir(self._root / at) as found:
                    entries = sorted(
                        (entry for entry in found if _is_shown(entry.name)),
                        key=lambda entry: entry.name,
                    )
                folders = tuple(
                    entry.name for entry in entries if entry.is_dir() and not _leads_back(entry)
                )
                files = tuple(_stored(at, entry) for entry in entries if entry.is_file())
            except OSError as error:
                raise DataError(
                    f"{self._root / at}: cannot be read: {reason_of(error)}.", "Check the path."
                ) from error
            self._known[at] = folders, files
        return self._known[at]


def _stored(at: str, entry: os.DirEntry[str]) -> StoredFile:
    state = entry.stat()
    return StoredFile(join(at, entry.name), state.st_size, state.st_mtime_ns)


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is a link to one that it lies in: its files would be listed twice."""
    path = Path(entry.path)
    return entry.is_symlink() and path.parent.resolve().is_relative_to(path.resolve())


def _is_shown(name: str) -> bool:
    return name[0] != "." and name != _SKIPPED


class ZipTree:
    """The files of a zip archive.

    Raises:
        DataError: It is damaged or encrypted, or a name leads out of it or is a link.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.archive = str(root)
        members = _members(root)
        self._folders: dict[str, set[str]] = {}
        self._files: dict[str, list[StoredFile]] = {}
        for member in members:
            if not member.is_dir() and all(map(_is_shown, member.filename.split("/"))):
                self._add(member)

    def _add(self, member: zipfile.ZipInfo) -> None:
        folder, _, _ = member.filename.rpartition("/")
        file = StoredFile(member.filename, member.file_size, member.CRC)
        self._files.setdefault(folder, []).append(file)
        while folder:
            above, _, name = folder.rpartition("/")
            siblings = self._folders.setdefault(above, set())
            if name in siblings:
                break
            siblings.add(name)
            folder = above

    def folders(self, at: str = "") -> tuple[str, ...]:
        """Names of the folders in a folder that hold anything."""
        return tuple(sorted(self._folders.get(at, ())))

    def files(self, at: str = "") -> tuple[StoredFile, ...]:
        """The files in a folder."""
        return tuple(sorted(self._files.get(at, ()), key=lambda file: file.name))

    def open(self, at: str) -> IO[bytes]:
        """Open a member to be read."""
        return _archive(str(self._root)).open(at)

    def path(self, at: str) -> str:
        """The path of the archive and that inside it."""
        return f"{self._root}/{at}" if at else str(self._root)


def read_member(archive: str, path: str) -> bytes:
    """The content of a member by the path that :meth:`ZipTree.path` gives.

    Raises:
        DataError: The archive is damaged there.
    """
    with explained(path):
        member = _archive(archive).getinfo(path[len(archive) + 1 :])
        if member.file_size > _MOST_BYTES:
            raise DataError(
                f"{path}: it declares {member.file_size:,} bytes, too many for a picture."
            )
        return _archive(archive).read(member)


def _archive(root: str) -> zipfile.ZipFile:
    """An archive that stays open: its directory is read once. Threads may share it."""
    return _opened(root, Path(root).stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _opened(root: str, changed: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(root)


@contextmanager
def explained(where: str, hint: str = "Get the file again.") -> Iterator[None]:
    """Turn what reading a file or a zip raises into a ``DataError`` that begins with its place."""
    where = plain(where)
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{where}: its zip is damaged ({plain(str(error))}).", hint) from error
    except (zlib.error, EOFError) as error:
        raise DataError(
            f"{where}: it is damaged or cut off ({plain(str(error))}).", hint
        ) from error
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {reason_of(error)}.", hint) from error


def _members(root: Path) -> list[zipfile.ZipInfo]:
    with explained(str(root)), zipfile.ZipFile(root) as archive:
        members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise DataError(
            f"{root}: it has {len(members):,} members, at most {_MOST_MEMBERS:,} are read."
        )
    for member in members:
        if wrong := _wrong(member):
            raise DataError(
                f"{root}: the member {show(member.filename)} {wrong}.",
                "Unpack it with a program that you trust, and give the folder.",
            )
    return members


def _wrong(member: zipfile.ZipInfo) -> str:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in member.filename:
        return "leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    return "is encrypted" if member.flag_bits & 1 else ""
