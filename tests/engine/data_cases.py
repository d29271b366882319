"""Sets in the forms that people have, each made into a folder of its own."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

X: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (200, 12, 12), np.uint8)
Y = np.arange(200) % 4
PIXELS = [f"pixel{at}" for at in range(144)]
USAGE = ("Training", "PublicTest", "PrivateTest")
Make = Callable[[Path], Path]
CASES: dict[str, tuple[str, Make, str]] = {}
"""Name, what it is, how it is made, and further options of the command."""


def case(name: str, what: str, options: str = "") -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        CASES[name] = what, make, options
        return make

    return add


def arrays(name: str, what: str, *given: NDArray[np.generic], **named: NDArray[np.generic]) -> None:
    @case(name, what)
    def _(place: Path) -> Path:
        np.savez(place / name, *given, **named)  # type: ignore[arg-type]
        return place / name


def table(name: str, what: str, lines: list[str], options: str = "", end: str = "\n") -> None:
    @case(name, what, options)
    def _(place: Path) -> Path:
        text = end.join([*lines, ""]).encode()
        (place / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return place / name


def pictures(name: str, what: str, *paths: str, options: str = "", **texts: str) -> None:
    @case(name, what, options)
    def _(place: Path) -> Path:
        draw(place / name, *paths)
        for file, text in texts.items():
            (place / name / file.replace("_csv", ".csv")).write_text(text)
        return place / name


def draw(folder: Path, *paths: str) -> None:
    """Twelve pictures for each path, in which ``*`` stands for their numbers."""
    for path in paths:
        for number in range(12):
            file = folder / path.replace("*", f"{number:02}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture(number))


def picture(number: int, form: str = "png") -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def rows(labels: NDArray[np.generic] = Y, separator: str = ",") -> list[str]:
    return [
        separator.join(map(str, (label, *image.ravel().tolist())))
        for label, image in zip(labels.tolist(), X, strict=True)
    ]


arrays(
    "keras.npz",
    "`x_train, y_train, x_test, y_test`",
    x_train=X,
    y_train=Y,
    x_test=X[:40],
    y_test=Y[:40],
)
arrays("images_labels.npz", "`images, labels`", images=X, labels=Y)
arrays("arr0.npz", "two arrays without names", X, Y)
arrays(
    "medmnist.npz",
    "`train_images, train_labels (N,1), val_*, test_*`",
    **{f"{split}_images": X[:40] for split in ("train", "val", "test")},
    **{f"{split}_labels": Y[:40, None] for split in ("train", "val", "test")},
)
arrays("col.npz", "labels `(N,1)`", x=X, y=Y[:, None])
arrays("onehot.npz", "labels as rows of 0 and 1", x=X, y=np.eye(4, dtype=np.float32)[Y])
arrays("floaty.npz", "pixels from 0 to 1, whole labels as floats", x=X / 255, y=Y.astype(float))
arrays("f01_int.npz", "pixels 0 and 1 as integers", x=(X > 128).astype(int), y=Y)
arrays("imgs_lbls.npz", "names that are unknown, but clear shapes", imgs=X, lbls=Y)
arrays("rgba.npz", "four channels", x=np.stack([X, X, X, X], -1), y=Y)
arrays("last.npz", "images along the last axis", x=np.moveaxis(X, 0, -1), y=Y)
arrays("sixteen.npz", "integers of 16 bits", x=X.astype(np.uint16) * 257, y=Y)
arrays("scores.npz", "a row of scores an image", x=X, y=(np.eye(4) * 0.8 + 0.05)[Y])
arrays("blank.npz", "a label that is empty text", x=X, y=np.array(["", "cat", "dog", "eel"])[Y])
arrays("names.npz", "labels as text", x=X, y=np.array(["cat", "dog", "eel", "fox"])[Y])
arrays("obj.npz", "labels as Python objects", x=X, y=np.array(["a", "b"] * 100, object))
arrays("gap.npz", "labels 0, 1, 2 and 7", x=X, y=np.where(Y == 3, 7, Y))
arrays("from1.npz", "labels 1 to 4", x=X, y=Y + 1)
arrays("minus.npz", "labels -1 and 1", x=X, y=Y % 2 * 2 - 1)
arrays("regression.npz", "fractions to predict", x=X, y=np.linspace(0, 1, 200))
arrays("ids.npz", "another label for every image", x=X, y=np.arange(200))
arrays("alone.npz", "one class alone", x=X, y=Y * 0)
arrays("single.npz", "a class of one image", x=X, y=np.where(np.arange(200) == 9, 4, Y))
arrays("unknown.npz", "a class in the test split only", x=X, y=Y, x_test=X[:9], y_test=Y[:9] + 1)
arrays("several.npz", "several labels an image", x=X, y=np.ones((200, 4), int))
arrays("nhwc.npz", "colours last", x=np.stack([X] * 3, 3), y=Y)
arrays("nchw.npz", "colours first", x=np.stack([X] * 3, 1), y=Y)
arrays("nan.npz", "pixels that are NaN", x=np.where(X == 0, np.nan, X / 255), y=Y)


@case("plain.npy", "images without labels")
def _(place: Path) -> Path:
    np.save(place / "plain.npy", X)
    return place / "plain.npy"


@case("pair", "`X_train.npy` and `y_train.npy`")
def _(place: Path) -> Path:
    np.save(place / "X_train.npy", X)
    np.save(place / "y_train.npy", Y)
    return place


HEADER = ",".join(["label", *PIXELS])
table("train.csv", "Kaggle's `label,pixel0,...`", [HEADER, *rows()])
table("train.csv.gz", "the same, gzipped", [HEADER, *rows()])
table(
    "excel.csv",
    "the same with semicolons, CRLF and a byte order mark",
    ["\ufeff" + HEADER.replace(",", ";"), *rows(separator=";")],
    end="\r\n",
)
table("bars.csv", "the same with bars", [HEADER.replace(",", "|"), *rows(separator="|")])
table(
    "savetxt.csv",
    "as `numpy.savetxt` writes it, with a comment and blanks",
    ["# drawn by hand", "# " + HEADER.replace(",", " "), *rows(separator=" ")],
)
table("mac.csv", "lines end with CR, as on an old Mac", [HEADER, *rows()], end="\r")
table(
    "fer.csv",
    "FER2013: all pixels in one cell, splits in a column",
    [
        "emotion,pixels,Usage",
        *(
            f"{at % 3},{' '.join(map(str, image.ravel()))},{USAGE[at // 70]}"
            for at, image in enumerate(X)
        ),
    ],
)
table("iris.csv", "measurements that are no pixels", ["5.1,3.5,1.4,0.2,setosa"] * 9)
table("plain.csv", "no names of columns", rows())
table("plain-first.csv", "the same, with the option", rows(), "--labels-from first")
table("words.csv", "no names of columns, labels as text", rows(np.array(["cat", "dog"])[Y % 2]))
table("test.csv", "pixels without labels", [",".join(PIXELS), *(row[2:] for row in rows())])
table("short.csv", "a row that is too short", [HEADER, *rows()[:9], "1,2,3"])
table("nan.csv", "a cell that is no number", [HEADER, *rows()[:9], "1" + ",7" * 143 + ",nan"])
table("quote.csv", "a quote that is not closed", [HEADER, *rows()[:9], '"1' + ",7" * 144])
table("million.csv", "a million columns", [",".join(["1"] * 1_000_000)] * 2)

pictures("folders", "a folder for each class", "cat/*.png", "dog/*.png")
pictures(
    "nested", "a folder around them, as archives unpack", "animals/cat/*.png", "animals/dog/*.png"
)
pictures(
    "tvt",
    "`train`, `valid` and `test`",
    *(f"{s}/{c}/*.png" for s in ("train", "valid", "test") for c in "ab"),
)
pictures(
    "scenes",
    "`seg_train/seg_train`, `seg_test/seg_test`",
    *(f"seg_{s}/seg_{s}/{c}/*.jpg" for s in ("train", "test") for c in "ab"),
)
pictures("kag", "test pictures without classes", "train/cat/*.png", "train/dog/*.png", "test/*.png")
pictures(
    "imagenette",
    "WordNet's numbers",
    *(f"{s}/{c}/*.JPEG" for s in ("train", "val") for c in ("n01440764", "n03888257")),
)
pictures("flat", "`cat.0.jpg`, `dog.0.jpg` in one folder", "cat.*.jpg", "dog.*.jpg")
pictures(
    "flat-name", "the same, with the option", "cat.*.jpg", "dog.*.jpg", options="--labels-from name"
)
pictures(
    "named",
    "`labels.csv` of file names and labels",
    "train/a*.jpg",
    labels_csv="id,breed\n" + "".join(f"a{at:02},{('pug', 'husky')[at % 2]}\n" for at in range(12)),
)
pictures(
    "isic",
    "a column of 0 and 1 for each class",
    "input/a*.jpg",
    truth_csv="image,MEL,NV\n"
    + "".join(f"a{at:02},{at % 2}.0,{1 - at % 2}.0\n" for at in range(12)),
)
pictures(
    "lacking",
    "a picture that is named but not there",
    "train/a*.jpg",
    labels_csv="id,breed\na00,pug\na01,husky\nb07,pug\n",
)
pictures(
    "parts",
    "folders that are no classes, beside a table",
    "part1/a*.jpg",
    "part2/b*.jpg",
    meta_csv="image,dx\na00,nv\nb01,mel\n",
)
pictures("masks", "images and masks, for segmentation", "images/*.png", "masks/*.png")


@case("yolo", "images and files of boxes, for detection")
def _(place: Path) -> Path:
    draw(place / "yolo", "images/train/*.png", "images/val/*.png")
    (place / "yolo" / "labels" / "train").mkdir(parents=True)
    (place / "yolo" / "labels" / "train" / "00.txt").write_text("0 0.5 0.5 0.2 0.3\n")
    return place / "yolo"


def packed(name: str, what: str, *others: tuple[str, str]) -> None:
    @case(name, what)
    def _(place: Path) -> Path:
        with zipfile.ZipFile(place / name, "w") as archive:
            for number in range(24):
                kind = ("cat", "dog")[number % 2]
                archive.writestr(f"pets/{kind}/{number}.png", picture(number))
            for other, text in others:
                archive.writestr(other, text)
        return place / name


packed("pets.zip", "a zip of such a folder", ("__MACOSX/pets/._1.png", ""))
packed("out.zip", "a zip with a name that leads out", ("../../etc/passwd", "x"))


@case("hf", "Parquet as Hugging Face exports it")
def _(place: Path) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    names = {"info": {"features": {"label": {"names": ["cat", "dog"]}}}}
    cells = [{"bytes": picture(at), "path": None} for at in range(24)]
    made = pa.table({"image": cells, "label": [at % 2 for at in range(24)]})
    made = made.replace_schema_metadata({"huggingface": json.dumps(names)})
    parquet.write_table(made, place / "train-00000-of-00001.parquet")
    return place


@case("cut.parquet", "Parquet that is cut off")
def _(place: Path) -> Path:
    (place / "cut.parquet").write_bytes(b"PAR1" + bytes(100))
    return place / "cut.parquet"


@case("cifar-10-batches-py", "CIFAR-10 in the Python version")
def _(place: Path) -> Path:
    folder = place / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"\x80\x02")
    return folder


@case("mine.h5", "HDF5")
def _(place: Path) -> Path:
    (place / "mine.h5").write_bytes(b"\x89HDF")
    return place / "mine.h5"
