"""Downloads of datasets: resumed after an interruption, and checked before use.

The received bytes of a file are in ``NAME.part`` beside its final path; the file gets its name only
once its SHA-256 is right. Several addresses are tried in turn.
"""

from __future__ import annotations

import os
import shutil
import sys
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
from cnn_tui.engine.locks import lock_file
from cnn_tui.engine.specs.wording import plain, show

_MARGIN = 32 << 20
"""Bytes of the disk that are left free."""


@dataclass(frozen=True)
class Patience:
    """When to give up on a host."""

    stall: float = 20.0
    """Seconds without a byte after which a connection has failed."""
    tries: int = 4
    """Number of consecutive attempts without any new byte."""
    pause: float = 0.5
    """Seconds before the second attempt; doubled before each further one."""
    longest_pause: float = 30.0
    rounds: int = 500
    """Attempts in all, for hosts that cut every connection after a few bytes."""


@dataclass(frozen=True)
class FileProgress:
    """Progress of one file, reported as progress of its dataset."""

    progress: Progress | None
    what: str
    before: int
    total: int

    def report(self, received: int) -> None:
        """Report the number of bytes of the file received so far."""
        if self.progress:
            # Of some files the size is known only about.
            self.progress(self.what, min(self.before + received, self.total), self.total)


class _Beginning(msgspec.Struct):
    """The file beside a ``.part``: its source address and the ETag there."""

    url: str = ""
    etag: str = ""


@dataclass
class Job:
    """The download of one file from several addresses, the best first."""

    file: RemoteFile
    folder: Path
    urls: tuple[str, ...]
    patience: Patience
    stop: threading.Event
    meter: FileProgress
    reasons: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Download the file, unless it exists already.

        Raises:
            DataError: No address has the right file, or the download was interrupted.
            OSError: The file cannot be written.
        """
        target = self.folder / self.file.name
        if not (target.is_file() and matches(target, self.file)):
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self._part) as part:
                self._require_room(part)
                self._from_any(part)
                os.fsync(part.fileno())
                if sys.platform == "win32":
                    part.close()  # an open file cannot be renamed there
                self._part.replace(target)
                self._note.unlink(missing_ok=True)
        self.meter.report(self.file.size)

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
                "Free some space, or choose another folder with --data-dir.",
            )

    def _from_any(self, part: BinaryIO) -> None:
        for url in self.urls:
            try:
                return self._from(url, part)
            except RefusedError as error:
                self.reasons.append(f"{urlsplit(url).netloc}: {error}")
        raise DataError(
            f"{self.file.name} cannot be downloaded: {'; '.join(map(plain, self.reasons))}.",
            "Try again later, give a mirror with --mirror URL, or the folder of its files, fetched "
            "elsewhere, with --data-dir DIR.",
        )

    def _from(self, url: str, part: BinaryIO) -> None:
        """Receive and check; again from the beginning if an earlier part may be wrong."""
        for _ in range(2):
            had = part.seek(0, 2)
            self._receive(url, part)
            if matches(self._part, self.file):
                return
            part.truncate(0)
            if not had:
                break
        raise RefusedError(f"the {_sum_of(self.file)} of the received file is wrong")

    def _receive(self, url: str, part: BinaryIO) -> None:
        """Retry until all bytes are received."""
        failures = 0
        for _ in range(self.patience.rounds):
            had = part.seek(0, 2)
            if self.file.is_exact and had == self.file.size:
                return
            if self.file.is_exact and had > self.file.size:
                had = part.truncate(0)
            try:
                return self._try(url, part)
            except BrokenError as error:
                failures = failures + 1 if part.seek(0, 2) <= had else 0
                if failures >= self.patience.tries:
                    raise RefusedError(str(error)) from None
                self._wait(max(error.wait, self.patience.pause * 2**failures))
        raise RefusedError("the connection broke too often")

    def _try(self, url: str, part: BinaryIO) -> None:
        known = self._known()
        try:
            receive(
                url,
                part,
                self.file.size,
                exact=self.file.is_exact,
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
        """Store a strong ETag; a weak one may stay when bytes change (RFC 9110, 13.1.5)."""
        strong = "" if etag.startswith("W/") else etag
        self._note.write_bytes(msgspec.json.encode(_Beginning(url, strong)))

    def _arrived(self, have: int) -> None:
        self.meter.report(have)
        self._raise_if_stopped()

    def _wait(self, seconds: float) -> None:
        self.stop.wait(min(seconds, self.patience.longest_pause))
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self.stop.is_set():
            raise DataError(
                f"The download of {self.file.name} was interrupted.",
                "The partial file is kept; fetch again to continue.",
            )


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open or create a file and lock it for this process.

    Raises:
        DataError: Another process has the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            lock_file(descriptor)
            mine = path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino
        except BlockingIOError:
            mine = False
        if not mine:  # locked by another process, or renamed by it since it was opened
            raise DataError(f"{path}: another process is downloading it.", "Wait for its end.")
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
    """Download the missing files of a dataset and return its folder.

    Args:
        name: One of :data:`SOURCES`.
        folder: Target folder; by default the one in which ``load_dataset`` looks.
        mirror: The only address to use, with ``NAME/FILE`` for every file; by default that of
            ``CNN_TUI_MIRROR`` in the environment, else the official hosts.
        progress: Called with the file, the bytes of the dataset received, and their total.
        stop: Set it to interrupt the download; the partial file is kept.
        patience: When to give up on hosts that stall or fail.

    Raises:
        DataError: A file cannot be downloaded or written, has the wrong content, or the download
            was interrupted. The next call continues it.
    """
    source, folder = SOURCES[name], folder or dataset_dir(name)
    hosts = _hosts(name, mirror or os.environ.get(MIRROR_VARIABLE))
    done = 0
    for file in source.files:
        job = Job(
            file,
            folder,
            tuple(host.format(file.name) for host in hosts),
            patience or Patience(),
            stop or threading.Event(),
            FileProgress(progress, file.name, done, source.size),
        )
        try:
            job.run()
        except OSError as error:
            raise DataError(
                f"{folder / file.name}: cannot be written: {reason_of(error)}.",
                "The partial file is kept; fetch again when this is resolved.",
            ) from error
        done += file.size
    return folder


def _sum_of(file: RemoteFile) -> str:
    return "SHA-256" if file.is_exact else "MD5"


def _hosts(name: str, mirror: str | None) -> tuple[str, ...]:
    """The addresses of the files, with ``{}`` in place of a file's name."""
    if not mirror:
        return tuple(f"{host}{{}}{SOURCES[name].query}" for host in SOURCES[name].hosts)
    try:
        parts = urlsplit(mirror)
        is_address = parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:
        is_address = False
    if not is_address:
        raise DataError(
            f"The mirror {show(mirror)} is not an address.",
            "Give an address that begins with https://.",
        )
    return (f"{mirror.rstrip('/').replace('{', '{{').replace('}', '}}')}/{name}/{{}}",)
