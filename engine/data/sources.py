"""Datasets that can be downloaded, the folders of data on this machine, and progress reports.

The SHA-256 sums are those of torchvision's and TensorFlow Datasets' tables. NumPy is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import platformdirs

from cnn_tui.engine.specs.wording import listed

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


class RemoteFile(NamedTuple):
    """A file of a dataset, with the size and checksum that a download must have."""

    name: str
    size: int
    sha256: str


class Download(NamedTuple):
    """The files of a dataset and the addresses of folders that have them, the best first."""

    hosts: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    input: tuple[int, int, int]
    """Shape of every image, ``(C, H, W)``."""
    train: int
    """Number of images to train and validate."""
    test: int

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


_TORONTO = ("https://www.cs.toronto.edu/~kriz/",)

SOURCES = {
    "mnist": Download(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        (1, 28, 28),
        60_000,
        10_000,
    ),
    "fashion-mnist": Download(
        ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
        (
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        (1, 28, 28),
        60_000,
        10_000,
    ),
    "cifar10": Download(
        _TORONTO,
        (
            RemoteFile(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        (3, 32, 32),
        50_000,
        10_000,
    ),
    "cifar100": Download(
        _TORONTO,
        (
            RemoteFile(
                "cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
        (3, 32, 32),
        50_000,
        10_000,
    ),
}
"""The datasets that can be downloaded, by name."""


def matches(path: Path, file: RemoteFile) -> bool:
    """Whether ``path`` has the size and the checksum of the file."""
    if path.stat().st_size != file.size:
        return False
    # Here: OpenSSL takes too long to load for the first screen, which needs only names.
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def is_complete(name: str, folder: Path) -> bool:
    """Whether ``folder`` has every file of the dataset; downloads were checked earlier."""
    return all((folder / file.name).is_file() for file in SOURCES[name].files)


FOLDER = "folder"
"""The name of the user's own pictures, in the folder ``data_dir``."""


def holds(name: str, folder: Path) -> bool:
    """Whether a folder has the files of a dataset, by their names and sizes; they are not read.

    MNIST and Fashion-MNIST share their names: a compressed copy is told by the official sizes, an
    unpacked one may be either.
    """
    if name in _BINARY:
        files = (
            part / file for part in (folder, folder / _BINARY[name][0]) for file in _BINARY[name]
        )
        return any(file.is_file() for file in files) or is_complete(name, folder)
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


_BINARY = {
    "cifar10": ("cifar-10-batches-bin", "data_batch_1.bin", "data_batch_2.bin"),
    "cifar100": ("cifar-100-binary", "train.bin"),
}
"""The usual folder of the unpacked files, and some of these."""


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
            f"{folder}: the SHA-256 of {listed(odd, 'and')} differs from that of the official "
            f"{name}; the structure is right."
        )


def missing(name: str, data_dir: Path | None = None) -> str | None:
    """The dataset that a name means, if it has to be downloaded first; else None.

    Args:
        name: A name or path for ``load_dataset``.
        data_dir: The folder of the dataset, if given; then no download is needed.
    """
    if data_dir is not None:
        return None
    known = next((source for source in SOURCES if letters(source) == letters(name)), None)
    return known if known and not is_complete(known, dataset_dir(known)) else None


def letters(word: str) -> str:
    """A name without case, dashes and underscores: ``CIFAR-10`` as ``cifar10``."""
    return word.lower().replace("-", "").replace("_", "")
