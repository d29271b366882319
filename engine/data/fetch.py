"""Downloads of datasets: resumed where they broke off, checked before anybody sees them."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec

from cnn_tui.engine.data.sources import SOURCES, Progress, RemoteFile, dataset_dir, matches
from cnn_tui.engine.data.transfer import BrokenError, RefusedError, receive
from cnn_tui.engine.errors import DataError, reason_of
from cnn_tui.engine.specs.wording import plain, show

_MARGIN = 32 << 20
"""Bytes of the disk that are left to others."""


@dataclass(frozen=True)
class Patience:
    """How long a host is borne with."""

    stall: float = 20.0
    """Seconds in which some byte must come."""
    tries: int = 4
    """How often in a row nothing new may come."""
    pause: float = 0.5
    """Seconds before the second try; doubled before each other one."""
    longest_pause: float = 30.0
    rounds: int = 500
    """Tries in all, for hosts that cut every connection after a few bytes."""


@dataclass(frozen=True)
class FileProgress:
    """Progress of one file, told as progress of its dataset."""

    progress: Progress | None
    what: str
    before: int
    total: int

    def tell(self, have: int) -> None:
        """So many bytes of the file are there."""
        if self.progress:
            self.progress(self.what, self.before + have, self.total)


class _Beginning(msgspec.Struct):
    """Beside a ``.part``: which host called its content what."""

    url: str = ""
    etag: str = ""


@dataclass
class Job:
    """A file, its folder, and the addresses that have it, the best first."""

    file: RemoteFile
    folder: Path
    urls: tuple[str, ...]
    patience: Patience
    stop: threading.Event
    meter: FileProgress
    reasons: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Fetch the file, unless it is there already.

        Raises:
            DataError: It cannot be had, is not what it should be, or the download was broken off.
            OSError: It cannot be written.
        """
        target = self.folder / self.file.name
        if not (target.is_file() and matches(target, self.file)):
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self._part) as part:
                self._require_room(part)
                self._from_any(part)
                os.fsync(part.fileno())
                self._part.replace(target)
                self._note.unlink(missing_ok=True)
        self.meter.tell(self.file.size)

    @property
    def _part(self) -> Path:
        return self.folder / f"{self.file.name}.part"

    @property
    def _note(self) -> Path:
        return self.folder / f"{self.file.name}.part.etag"

    def _require_room(self, part: BinaryIO) -> None:
        needed = self.file.size - part.seek(0, 2) + _MARGIN
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise DataError(
                f"{self.folder}: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
                "Make room, or name another folder with --data-dir.",
            )

    def _from_any(self, part: BinaryIO) -> None:
        for url in self.urls:
            try:
                return self._from(url, part)
            except RefusedError as error:
                self.reasons.append(f"{urlsplit(url).netloc}: {error}")
        raise DataError(
            f"{self.file.name} cannot be fetched: {'; '.join(map(plain, self.reasons))}.",
            "Try again later, or name a mirror with --mirror URL.",
        )

    def _from(self, url: str, part: BinaryIO) -> None:
        """Fetch and check. A wrong sum may be due to the beginning: then once more without it."""
        for _ in range(2):
            had = part.seek(0, 2)
            self._receive(url, part)
            if matches(self._part, self.file):
                return
            part.truncate(0)
            if not had:
                break
        raise RefusedError("SHA-256 of what it sent is not that of the file")

    def _receive(self, url: str, part: BinaryIO) -> None:
        """Try until all bytes are there."""
        in_vain = 0
        for _ in range(self.patience.rounds):
            had = part.seek(0, 2)
            if had == self.file.size:
                return
            if had > self.file.size:
                had = part.truncate(0)
            try:
                return self._try(url, part)
            except BrokenError as error:
                in_vain = in_vain + 1 if part.seek(0, 2) <= had else 0
                if in_vain >= self.patience.tries:
                    raise RefusedError(str(error)) from None
                self._wait(max(error.wait, self.patience.pause * 2**in_vain))
        raise RefusedError("it broke off too often")

    def _try(self, url: str, part: BinaryIO) -> None:
        known = self._known()
        try:
            receive(
                url,
                part,
                self.file.size,
                etag=known.etag if known.url == url else "",
                timeout=self.patience.stall,
                begun=lambda etag: self._remember(url, etag),
                arrived=self._arrived,
            )
        finally:
            part.flush()

    def _known(self) -> _Beginning:
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=_Beginning)
        except (OSError, msgspec.DecodeError):
            return _Beginning()

    def _remember(self, url: str, etag: str) -> None:
        """Weak ETags, which may stay when bytes change, are as good as none (RFC 9110, 13.1.5)."""
        strong = "" if etag.startswith("W/") else etag
        self._note.write_bytes(msgspec.json.encode(_Beginning(url, strong)))

    def _arrived(self, have: int) -> None:
        self.meter.tell(have)
        self._heed_stop()

    def _wait(self, seconds: float) -> None:
        self.stop.wait(min(seconds, self.patience.longest_pause))
        self._heed_stop()

    def _heed_stop(self) -> None:
        if self.stop.is_set():
            raise DataError(
                f"The download of {self.file.name} was broken off.",
                "What has come is kept; fetch again to go on.",
            )


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, made if it is not there, for this process alone.

    Raises:
        DataError: Another process has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino
        except BlockingIOError:
            mine = False
        if not mine:  # locked by another, or renamed by it since it was opened
            raise DataError(f"{path}: another process is fetching it.", "Wait for its end.")
        yield file


MIRROR_VARIABLE = "CNN_TUI_MIRROR"


def fetch(
    name: str,
    folder: Path | None = None,
    *,
    mirror: str | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    patience: Patience | None = None,
) -> Path:
    """Download what is missing of a dataset and return its folder.

    Args:
        name: One of :data:`SOURCES`.
        folder: Where the files go; by default where ``load_dataset`` looks for them.
        mirror: An address that has ``NAME/FILE`` for every file. It alone is asked then; by
            default the environment's ``CNN_TUI_MIRROR``, else the official hosts.
        progress: Told the file, and the bytes of the dataset that are there, of how many.
        stop: Set it to break off: what has come is kept.
        patience: With hosts that stall or fail.

    Raises:
        DataError: A file cannot be had, is not what it should be, cannot be written, or the
            download was broken off. The next call goes on where this one ended.
    """
    source, folder = SOURCES[name], folder or dataset_dir(name)
    hosts = _hosts(name, mirror or os.environ.get(MIRROR_VARIABLE))
    done = 0
    for file in source.files:
        job = Job(
            file,
            folder,
            tuple(host + file.name for host in hosts),
            patience or Patience(),
            stop or threading.Event(),
            FileProgress(progress, file.name, done, source.size),
        )
        try:
            job.run()
        except OSError as error:
            raise DataError(
                f"{folder / file.name}: cannot be written: {reason_of(error)}.",
                "What has come is kept; fetch again when that is mended.",
            ) from error
        done += file.size
    return folder


def _hosts(name: str, mirror: str | None) -> tuple[str, ...]:
    if not mirror:
        return SOURCES[name].hosts
    try:
        parts = urlsplit(mirror)
        is_address = parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:
        is_address = False
    if not is_address:
        raise DataError(
            f"The mirror {show(mirror)} is no address.",
            "Give one that begins with https://.",
        )
    return (f"{mirror.rstrip('/')}/{name}/",)
