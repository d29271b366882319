"""The folders of data on this machine, what they hold, and progress reports.

NumPy is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import platformdirs

from cnn_tui.engine.data.sets import SOURCES, Download, RemoteFile
from cnn_tui.engine.specs.known_data import IMAGENET, letters
from cnn_tui.engine.specs.wording import listed

__all__ = ["IMAGENET", "SOURCES", "Download", "RemoteFile"]

_APP = "cnn-tui"


def data_home() -> Path:
    """The folder of downloads and runs; ``XDG_DATA_HOME`` moves it."""
    return platformdirs.user_data_path(_APP, appauthor=False)


def dataset_dir(name: str) -> Path:
    """The folder of a downloaded dataset, existing or not."""
    return data_home() / "datasets" / name


def cache_home() -> Path:
    """The folder of files that can be recreated; ``XDG_CACHE_HOME`` moves it."""
    return platformdirs.user_cache_path(_APP, appauthor=False)


Progress = Callable[[str, int, int], None]
"""A function called often as ``progress(what, done, total)`` on the working thread. An exception
that it raises ends the work and leaves nothing half done."""


def matches(path: Path, file: RemoteFile) -> bool:
    """Whether ``path`` has the size and the checksum of the file."""
    if file.is_exact and path.stat().st_size != file.size:
        return False
    # Here: OpenSSL takes too long to load for the first screen, which needs only names.
    import hashlib

    with path.open("rb") as stream:
        if file.is_exact:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
        plain_md5 = partial(hashlib.md5, usedforsecurity=False)
        return hashlib.file_digest(stream, plain_md5).hexdigest() == file.md5


def is_complete(name: str, folder: Path) -> bool:
    """Whether ``folder`` has every file of the dataset; downloads were checked earlier."""
    return all((folder / file.name).is_file() for file in SOURCES[name].files)


FOLDER = "folder"
"""The name of the user's own pictures, in the folder ``data_dir``."""
OWN = (IMAGENET, FOLDER)
"""Names that stand for a folder of the user's."""


def holds(name: str, folder: Path) -> bool:
    """Whether a folder has the files of a dataset, by their names and sizes; they are not read.

    MNIST and Fashion-MNIST share their names: the official sizes tell compressed copies
    apart, an unpacked one may be either.
    """
    if name in _BINARY:
        files = (
            part / file for part in (folder, folder / _BINARY[name][0]) for file in _BINARY[name]
        )
        return any(file.exists() for file in files) or is_complete(name, folder)
    files_of = SOURCES[name].files
    others = {
        (file.name, file.size)
        for key, other in SOURCES.items()
        if key != name
        for file in other.files
    }
    for file in files_of:
        packed = folder / file.name
        if packed.is_file() and (file.name, packed.stat().st_size) in others:
            return False
        if not packed.is_file() and not packed.with_suffix("").is_file():
            return False
    return True


def within(name: str, folder: Path) -> Path:
    """The folder in ``folder`` that bears the name of a dataset and has files of it, or ``folder``.

    So the folder of all data can be given: ``DIR`` for ``DIR/mnist``, or ``DIR/MNIST/raw`` as
    torchvision has it. ``folder`` itself comes first if it has any of the files: the
    error then names what that folder lacks.
    """
    if name not in SOURCES or _has_some(name, folder):
        return folder
    try:
        named = [path for path in folder.iterdir() if letters(path.name) == letters(name)]
    except OSError:
        return folder
    found = [path for one in named for path in (one, one / "raw") if _has_some(name, path)]
    return found[0] if len(found) == 1 else folder


def _has_some(name: str, folder: Path) -> bool:
    names = [file.name for file in SOURCES[name].files]
    some = (folder / part for one in names for part in (one, Path(one).stem))
    return holds(name, folder) or any(path.is_file() for path in some)


_BINARY = {
    "cifar10": ("cifar-10-batches-bin", "data_batch_1.bin", "data_batch_2.bin"),
    "cifar100": ("cifar-100-binary", "train.bin"),
    "imagenette": ("imagenette2-160", "train/n01440764"),
}
"""The usual folder of the unpacked files, and some of these."""


def found_in(name: str, given: Path) -> str:
    """A sentence on where the files of a dataset were found, if not in the folder itself."""
    folder = within(name, given)
    return "" if folder == given else f"The files of {name} are those in {folder}."


def oddities(name: str, folder: Path, train: int, test: int) -> Iterator[str]:
    """Differences of a user's folder, with these numbers of images, from the official dataset."""
    source = SOURCES[name]
    if (train, test) != (source.train, source.test):
        yield (
            f"{folder} holds {train:,} + {test:,} images, the official {name} "
            f"{source.train:,} + {source.test:,}."
        )
    odd = [
        file.name
        for file in source.files
        if (folder / file.name).is_file() and not matches(folder / file.name, file)
    ]
    if odd:
        yield (
            f"{folder}: the checksum of {listed(odd, 'and')} differs from that of the official "
            f"{name}; the structure is right."
        )


def missing(name: str, data_dir: Path | None = None) -> str | None:
    """The dataset that a name means, if it has to be downloaded or given first; else None.

    Args:
        name: A name or path for ``load_dataset``.
        data_dir: The folder of the dataset, if given; then no download is needed.
    """
    if data_dir is not None:
        return None
    known = next((key for key in (*SOURCES, *OWN) if letters(key) == letters(name)), None)
    if known in SOURCES and is_complete(known, dataset_dir(known)):
        return None
    return known
