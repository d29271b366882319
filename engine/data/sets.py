"""The datasets that can be downloaded: a row for each. NumPy is not loaded.

The SHA-256 sums are those of torchvision's and TensorFlow Datasets' tables, the MD5 sums those of
MedMNIST's and torchvision's. Where only the MD5 is published, the size is not known exactly.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class RemoteFile(NamedTuple):
    """A file of a dataset, with the size and checksum that a download must have."""

    name: str
    size: int
    """Bytes; about as many without a ``sha256``."""
    sha256: str = ""
    md5: str = ""
    """The checksum if there is no ``sha256``."""

    @property
    def is_exact(self) -> bool:
        """Whether ``size`` is the very size."""
        return bool(self.sha256)


class Download(NamedTuple):
    """The files of a dataset and the addresses of folders that have them, the best first."""

    hosts: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    input: tuple[int, int, int]
    """Shape of every image, ``(C, H, W)``; the usual one of pictures."""
    train: int
    """Number of images to train and validate."""
    test: int
    words: str = ""
    """What the images show."""
    classes: tuple[str, ...] = ()
    """Names of the classes; empty if the files name them."""
    form: Literal["idx", "cifar", "medmnist", "pictures"] = "idx"
    """How the files are read."""
    query: str = ""
    """The query that these hosts want after the name of a file."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _idx(*files: tuple[int, str]) -> tuple[RemoteFile, ...]:
    """The four files of MNIST's form, by size and SHA-256."""
    names = (
        "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    )  # fmt: skip
    return tuple(RemoteFile(name, *file) for name, file in zip(names, files, strict=True))


def _medmnist(
    name: str,
    md5: str,
    megabytes: float,
    channels: int,
    counts: tuple[int, int],
    words: str,
    classes: str,
) -> Download:
    """A set of MedMNIST v2 at 28 pixels (Yang et al. 2023); ``classes`` are parted by ``|``."""
    return Download(
        ("https://zenodo.org/records/10519652/files/",),
        (RemoteFile(f"{name}.npz", round(megabytes * 1e6), md5=md5),),
        (channels, 28, 28),
        *counts,
        f"{words} (MedMNIST)",
        tuple(classes.split("|")),
        "medmnist",
        "?download=1",
    )


_TORONTO = ("https://www.cs.toronto.edu/~kriz/",)
_DIGITS = tuple("0123456789")
_ORGANS = (
    "bladder|femur-left|femur-right|heart|kidney-left|kidney-right|liver|lung-left|lung-right|"
    "pancreas|spleen"
)

SOURCES = {
    "mnist": Download(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        _idx(
            (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        (1, 28, 28),
        60_000,
        10_000,
        "handwritten digits (LeCun et al. 1998)",
        _DIGITS,
    ),
    "fashion-mnist": Download(
        ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
        _idx(
            (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        (1, 28, 28),
        60_000,
        10_000,
        "pieces of clothing (Xiao et al. 2017)",
        (
            "T-shirt/top", "trouser", "pullover", "dress", "coat",
            "sandal", "shirt", "sneaker", "bag", "ankle boot",
        ),
    ),
    "kmnist": Download(
        (
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        _idx(
            (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ),
        (1, 28, 28),
        60_000,
        10_000,
        "Japanese characters (Clanuwat et al. 2018)",
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
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
        "photographs of ten kinds (Krizhevsky 2009)",
        form="cifar",
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
        "photographs of a hundred kinds (Krizhevsky 2009)",
        form="cifar",
    ),
    "imagenette": Download(
        ("https://s3.amazonaws.com/fast-ai-imageclas/",),
        (RemoteFile("imagenette2-160.tgz", 99_000_000, md5="e793b78cc4c9e9a4ccc0c1155377a412"),),
        (3, 160, 160),
        9_469,
        3_925,
        "ten classes of ImageNet (fast.ai)",
        (
            "tench", "English springer", "cassette player", "chain saw", "church",
            "French horn", "garbage truck", "gas pump", "golf ball", "parachute",
        ),
        "pictures",
    ),
    "pathmnist": _medmnist(
        "pathmnist", "a8b06965200029087d5bd730944a56c1", 205.6, 3, (100_000, 7_180),
        "tissue under the microscope",
        "adipose|background|debris|lymphocytes|mucus|smooth muscle|normal colon mucosa|"
        "cancer-associated stroma|colorectal adenocarcinoma epithelium",
    ),
    "dermamnist": _medmnist(
        "dermamnist", "0744692d530f8e62ec473284d019b0c7", 19.7, 3, (8_010, 2_005),
        "spots of the skin",
        "actinic keratoses|basal cell carcinoma|benign keratosis-like lesions|dermatofibroma|"
        "melanoma|melanocytic nevi|vascular lesions",
    ),
    "octmnist": _medmnist(
        "octmnist", "c68d92d5b585d8d81f7112f81e2d0842", 54.9, 1, (108_309, 1_000),
        "retinas in optical tomography",
        "choroidal neovascularization|diabetic macular edema|drusen|normal",
    ),
    "pneumoniamnist": _medmnist(
        "pneumoniamnist", "28209eda62fecd6e6a2d98b1501bb15f", 4.2, 1, (5_232, 624),
        "chest X-rays of children",
        "normal|pneumonia",
    ),
    "retinamnist": _medmnist(
        "retinamnist", "bd4c0672f1bba3e3a89f0e4e876791e4", 3.3, 3, (1_200, 400),
        "retinas, graded 0 to 4",
        "0|1|2|3|4",
    ),
    "breastmnist": _medmnist(
        "breastmnist", "750601b1f35ba3300ea97c75c52ff8f6", 0.6, 1, (624, 156),
        "ultrasound of the breast",
        "malignant|normal or benign",
    ),
    "bloodmnist": _medmnist(
        "bloodmnist", "7053d0359d879ad8a5505303e11de1dc", 35.5, 3, (13_671, 3_421),
        "blood cells under the microscope",
        "basophil|eosinophil|erythroblast|immature granulocytes|lymphocyte|monocyte|neutrophil|"
        "platelet",
    ),
    "tissuemnist": _medmnist(
        "tissuemnist", "ebe78ee8b05294063de985d821c1c34b", 125.0, 1, (189_106, 47_280),
        "cells of the kidney",
        "collecting duct, connecting tubule|distal convoluted tubule|"
        "glomerular endothelial cells|interstitial endothelial cells|leukocytes|podocytes|"
        "proximal tubule segments|thick ascending limb",
    ),
    "organamnist": _medmnist(
        "organamnist", "68e3f8846a6bd62f0c9bf841c0d9eacc", 38.2, 1, (41_052, 17_778),
        "organs in tomography, from above",
        _ORGANS,
    ),
    "organcmnist": _medmnist(
        "organcmnist", "b9ceb9546e10131b32923c5bbeaea2b1", 15.5, 1, (15_367, 8_216),
        "organs in tomography, from the front",
        _ORGANS,
    ),
    "organsmnist": _medmnist(
        "organsmnist", "9ab87b696fb54e2a387ebe992d6ed5f1", 16.5, 1, (16_384, 8_827),
        "organs in tomography, from the side",
        _ORGANS,
    ),
}  # fmt: skip
"""The datasets that can be downloaded, by name."""
