"""Downloads of datasets: resumed where they broke off, checked before anybody sees them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

from cnn_tui.engine.data.job import FileProgress, Job, Patience
from cnn_tui.engine.data.places import dataset_dir
from cnn_tui.engine.data.progress import Progress
from cnn_tui.engine.data.sources import SOURCES
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import show

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
                f"{folder / file.name}: cannot be written: {error.strerror or error}.",
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
