"""Folders of pictures as archives unpack and people arrange them, and tables that name pictures."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.own import read_own
from cnn_tui.engine.data.reading import ReadingOptions
from cnn_tui.engine.errors import DataError

RNG = np.random.default_rng(0)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (8, 8, 3)).astype("u1")).save(path)


def pictures(folder: Path, *names: str) -> Path:
    """A picture for each name; ``*`` stands for the numbers from 0 to 3."""
    for name in names:
        for number in range(4) if "*" in name else [0]:
            picture(folder / name.replace("*", str(number)))
    return folder


def read(
    path: Path, labels_from: str = "", classes: Sequence[str] = ()
) -> tuple[tuple[str, ...], dict[str, int], tuple[str, ...]]:
    """Classes, number of pictures in each split, and notes."""
    found = read_own(path, ReadingOptions(labels_from=labels_from, classes=classes))
    counts: dict[str, int] = {}
    for split, *_ in ((item.split, item) for item in found.pictures):  # type: ignore[union-attr]
        counts[split] = counts.get(split, 0) + 1
    return found.classes, counts, found.notes


def refused(path: Path, message: str, labels_from: str = "") -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(str(path), labels_from=labels_from)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("train", ["train", "Training", "TRAIN", "training_set", "train_images"])
@pytest.mark.parametrize("val", ["val", "Validation Set", "valid", "dev"])
@pytest.mark.parametrize("test", ["test", "Testing", "test_set"])
def test_usual_spellings_of_splits(tmp_path: Path, train: str, val: str, test: str) -> None:
    for split in (train, val, test):
        pictures(tmp_path / split, "cat/*.png", "dog/*.png")
    assert read(tmp_path) == (("cat", "dog"), {"train": 8, "val": 8, "test": 8}, ())


def test_wrappers_are_descended_with_a_word(tmp_path: Path) -> None:
    pictures(tmp_path, "data/animals/cat/*.png", "data/animals/dog/*.png", "__MACOSX/data/._x.png")
    (tmp_path / "data" / "README.txt").touch()
    classes, counts, notes = read(tmp_path)
    assert (classes, counts) == (("cat", "dog"), {"train": 8})
    assert notes == (f"The pictures are in {tmp_path}/data/animals.",)
    # Intel's scenes repeat the folder inside the split.
    scenes = tmp_path / "scenes"
    for split in ("seg_train/seg_train", "seg_test/seg_test"):
        pictures(scenes / split, "sea/*.jpg", "street/*.jpg")
    pictures(scenes, "seg_pred/seg_pred/*.jpg")
    classes, counts, notes = read(scenes)
    assert (classes, counts) == (("sea", "street"), {"train": 8, "test": 8})
    assert notes == ("Folders beside seg_train are not read: seg_pred.",)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    pictures(tmp_path, "train/*.png", "bus/*.png")
    assert read(tmp_path)[0] == ("bus", "train")


def test_pictures_below_a_class_count_and_those_without_are_told(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/*.png", "train/cat/more/*.jpg", "train/dog/*.png", "test/*.png")
    classes, counts, notes = read(tmp_path)
    assert (classes, counts) == (("cat", "dog"), {"train": 12})
    assert notes == (
        "4 train pictures are in folders inside those of their classes.",
        f"{tmp_path}/test: 4 pictures without folders of classes are left out; cnn-tui predict "
        "reads them.",
    )


def test_class_from_the_name_of_a_picture_on_request(tmp_path: Path) -> None:
    pictures(tmp_path / "flat", "cat.*.jpg", "dog.*.jpg")
    refused(tmp_path / "flat", r"8 pictures in one folder.*--labels-from name.*cat \(4\) and dog")
    classes, counts, notes = read(tmp_path / "flat", "name")
    assert (classes, counts) == (("cat", "dog"), {"train": 8})
    assert notes == ("Classes from the names of the pictures: cat (4) and dog (4).",)
    pictures(tmp_path / "pets", "Abyssinian_*.jpg", "great dane (*).jpg", "pug-*.png", "x7*.png")
    assert read(tmp_path / "pets", "name")[0] == ("Abyssinian", "great dane", "pug", "x")
    pictures(tmp_path / "split", "train/cat.*.jpg", "train/dog.*.jpg", "test1/*.jpg")
    refused(tmp_path / "split", "train: expected a folder .* 8 pictures in one folder")


def test_numbers_before_the_class_and_names_that_give_no_classes(tmp_path: Path) -> None:
    both = pictures(tmp_path / "both", "*_cat.png", "*-dog.png")
    refused(both, r"--labels-from name, which gives: cat \(4\) and dog \(4\)")
    assert read(both, "name")[0] == ("cat", "dog")
    refused(pictures(tmp_path / "photos", "mum.png", "dad.png"), r"Make such folders\.$")


def test_a_place_of_labels_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pets", "cat/*.png", "dog/*.png")
    refused(folder, "there is no table with a column 'breed'", "breed")
    np.savez(tmp_path / "mine.npz", x=np.zeros((9, 4, 4)), y=np.arange(9) % 2)
    refused(tmp_path / "mine.npz", "labels from 'first' are of tables and pictures", "first")
    pictures(tmp_path / "both", "train/cat/*.png", "test/cat/*.png", "train/dog/*.png")
    table(tmp_path / "both" / "all.csv", "name,breed", "0.png,pug")
    refused(tmp_path / "both", "there is no column 'kind'|pictures are called so", "kind")


def test_an_address_is_not_read() -> None:
    with pytest.raises(DataError, match="is an address, which is not read"):
        load_dataset("https://example.org/pets.zip")


def test_a_link_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    pictures(tmp_path / "pets", "cat/*.png", "dog/*.png")
    (tmp_path / "pets" / "cat" / "again").symlink_to("..")
    assert read(tmp_path / "pets")[1:] == ({"train": 8}, ())


def test_classes_that_are_listed_give_the_order(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/*.png", "train/dog/*.png", "test/eel/*.png")
    refused(tmp_path, "'eel' is not a class .*--classes")
    classes, counts, notes = read(tmp_path, classes=("dog", "eel", "cat"))
    assert (classes, counts) == (("dog", "eel", "cat"), {"train": 8, "test": 4})
    assert notes[0] == "No training image of the class eel: the network cannot learn it."


def test_imagenette_has_names(tmp_path: Path) -> None:
    for split in ("train", "val"):
        pictures(tmp_path / "imagenette2-160" / split, "n01440764/*.JPEG", "n03888257/*.JPEG")
    (tmp_path / "imagenette2-160" / "noisy_imagenette.csv").write_text("path,is_valid\n")
    classes, counts, _ = read(tmp_path)
    assert (classes, counts) == (("parachute", "tench"), {"train": 8, "val": 8})


def test_imagenet_as_kaggle_packs_it(tmp_path: Path) -> None:
    place = "ILSVRC/Data/CLS-LOC"
    numbers = ("n01440764", "n02012849", "n03126707")
    for number in numbers:
        pictures(tmp_path / place / "train" / number, f"{number}_*.JPEG")
    pictures(tmp_path / place, "val/ILSVRC2012_val_0000000*.JPEG", "test/x_*.JPEG")
    pictures(tmp_path / "ILSVRC", "Annotations/a/*.png")
    assert "are left out" in " ".join(read(tmp_path)[2])
    (tmp_path / "LOC_synset_mapping.txt").write_text(
        "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n"
    )
    (tmp_path / "LOC_val_solution.csv").write_text(
        "ImageId,PredictionString\n"
        + "".join(f"ILSVRC2012_val_0000000{at},{numbers[at % 3]} 1 2 3 4\n" for at in range(4))
    )
    classes, counts, _ = read(tmp_path)
    assert classes == ("crane (n02012849)", "crane (n03126707)", "tench")
    assert counts == {"train": 12, "val": 4}


def test_tiny_imagenet(tmp_path: Path) -> None:
    for number in ("n01440764", "n02012849"):
        pictures(tmp_path / "train" / number / "images", f"{number}_*.JPEG")
    pictures(tmp_path, "val/images/val_*.JPEG")
    (tmp_path / "words.txt").write_text("n01440764\ttench, x\nn02012849\tcrane\n")
    lines = (f"val_{at}.JPEG\t{('n01440764', 'n02012849')[at % 2]}\t0\t0\n" for at in range(4))
    (tmp_path / "val" / "val_annotations.txt").write_text("".join(lines))
    classes, counts, _ = read(tmp_path)
    assert (classes, counts) == (("crane", "tench"), {"train": 8, "val": 4})


def table(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_table_of_names_and_labels(tmp_path: Path) -> None:
    pictures(tmp_path, "train/*a.jpg", "test/*b.jpg")
    path = table(
        tmp_path / "labels.csv", "id,breed", "0a,pug", "1a,husky", "train/2a.jpg,pug", "3a.jpg,pug"
    )
    table(tmp_path / "sample_submission.csv", "id,husky,pug", "0b,0,0")
    for given in (tmp_path, path):
        classes, counts, notes = read(given)
        assert (classes, counts) == (("husky", "pug"), {"train": 4})
        assert notes[0] == f"Labels are taken from {path}, column 'breed'."
    table(path, "0a,pug", "1a,husky", "2a,pug")
    assert read(tmp_path)[:2] == (("husky", "pug"), {"train": 3})
    table(path, "id,breed", "0a,pug", "nowhere,husky")
    refused(tmp_path, "labels.csv, line 3: there is no such picture: 'nowhere'")
    table(path, "id,breed", "0a,pug", "1a,")
    refused(tmp_path, "labels.csv, line 3: expected a label in column 'breed'")
    table(path, "id,breed", "0a,pug", "1a,husky,1")
    refused(tmp_path, "labels.csv, line 3: expected 2 cells, received 3")
    table(path, "file,a,b", "0a,1,x", "1a,2,y")
    refused(tmp_path, "not clear which column holds the labels, found 'a' and 'b'.*--labels-from")
    assert read(tmp_path, "b")[0] == ("x", "y")
    refused(tmp_path, "there is no column 'c'", "c")


def test_table_with_splits_and_numbers(tmp_path: Path) -> None:
    pictures(tmp_path, "images/*.png", "images/x*.png")
    lines = [f"images/{at}.png,{at % 2 + 1},Train" for at in range(4)]
    lines += [f"x{at},{at % 2 + 1},test" for at in range(4)]
    table(tmp_path / "meta.csv", "path,label,split", *lines)
    classes, counts, notes = read(tmp_path)
    assert (classes, counts) == (("1", "2"), {"train": 4, "test": 4})
    assert "Labels begin at 1" in notes[1]


def test_table_of_one_hot_labels(tmp_path: Path) -> None:
    pictures(tmp_path, "ISIC_Input/ISIC_*.jpg")
    path = tmp_path / "GroundTruth" / "ISIC.csv"
    lines = [f"ISIC_{at},{float(at % 2)},{float(1 - at % 2)}" for at in range(4)]
    table(path, "image,NV,MEL", *lines)
    classes, counts, _ = read(tmp_path)
    assert (classes, counts) == (("NV", "MEL"), {"train": 4})
    table(path, "image,NV,MEL", *lines[:3], "ISIC_3,1.0,1.0")
    refused(tmp_path, "line 5: expected exactly one 1 among the 2 columns of classes, received 2")


def test_folders_beside_a_table_that_names_their_pictures(tmp_path: Path) -> None:
    pictures(tmp_path, "part_1/a*.jpg", "part_2/b*.jpg")
    table(tmp_path / "meta.csv", "image_id,dx,age", "a0,nv,1", "a1,mel,2", "b2,nv,3", "b3,nv,4")
    refused(tmp_path, "whether the folders or meta.csv say the classes.*--labels-from folders")
    assert read(tmp_path, "folders")[0] == ("part_1", "part_2")
    assert read(tmp_path, "dx")[0] == ("mel", "nv")
    table(tmp_path / "meta.csv", "fold,date", "1,2", "3,4")
    assert read(tmp_path)[0] == ("part_1", "part_2")


def packed(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(folder)))
    return path


def test_zip_is_read_in_place(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pets", "pets/cat/*.png", "pets/dog/*.png")
    path = packed(folder, tmp_path / "pets.zip")
    ours, theirs = (load_dataset(str(at), shape=(3, 8, 8)) for at in (path, folder))
    assert ours.classes == theirs.classes == ("cat", "dog")
    for split in ("train", "val", "test"):
        one, other = getattr(ours, split), getattr(theirs, split)
        np.testing.assert_array_equal(one.images[:], other.images[:])
        np.testing.assert_array_equal(one.labels, other.labels)
    assert sorted(at.name for at in tmp_path.iterdir()) == ["pets", "pets.zip"]


def test_zip_of_arrays_and_of_tables(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    images = RNG.integers(0, 256, (20, 4, 4)).astype("u1")
    np.savez(tmp_path / "in" / "mine.npz", x=images, y=np.arange(20) % 2)
    assert len(load_dataset(str(packed(tmp_path / "in", tmp_path / "a.zip"))).train) == 17
    (tmp_path / "in" / "mine.npz").unlink()
    lines = (f"{at % 2},{','.join(map(str, row))}" for at, row in enumerate(images.reshape(20, 16)))
    table(tmp_path / "in" / "train.csv", ",".join(["label", *map(str, range(16))]), *lines)
    assert len(load_dataset(str(packed(tmp_path / "in", tmp_path / "b.zip"))).train) == 17


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("../../etc/passwd", 0, "'../../etc/passwd' leads out of the archive"),
        ("/etc/passwd", 0, "'/etc/passwd' leads out of the archive"),
        ("..\\boot.ini", 0, "leads out of the archive"),
        ("cat/\x1b[2J.png", stat.S_IFLNK | 0o777, r"'cat/\\x1b\[2J.png' is a link"),
    ],
)
def test_zip_with_links_and_ways_out_is_refused(
    tmp_path: Path, name: str, mode: int, message: str
) -> None:
    path = packed(pictures(tmp_path / "pets", "cat/*.png", "dog/*.png"), tmp_path / "pets.zip")
    with zipfile.ZipFile(path, "a") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, "/etc/passwd")
    refused(path, message)


def test_damaged_zip_is_named_with_its_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = packed(pictures(tmp_path / "pets", "cat/*.png", "dog/*.png"), tmp_path / "pets.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    refused(path, "its zip is damaged")
    flipped = bytearray(whole)
    flipped[120] ^= 255
    path.write_bytes(flipped)
    refused(path, "cat/0.png: .*damaged")
    path.write_bytes(b"no zip")
    refused(path, "its zip is damaged")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar-10-batches-py/data_batch_1", "never done.*cifar-10-binary.tar.gz.*fetch cifar10"),
        ("cifar-100-python/x.pkl", "never done.*cifar-100-binary.tar.gz.*fetch cifar100"),
        ("mine.tar.gz", "Unpack it, and give the folder"),
        ("mine.mat", "scipy.io.loadmat"),
        ("mine.xyz", "expected a folder of pictures, or a .npz, .npy, .csv, .parquet or .zip file"),
    ],
)
def test_forms_that_are_not_read_are_told_what_to_do(
    tmp_path: Path, name: str, message: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x80")
    refused(path, message)
    if path.parent != tmp_path:
        refused(path.parent, message)


def test_npy_files_side_by_side(tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, (20, 4, 4)).astype("u1"), np.arange(20) % 2
    np.save(tmp_path / "X_train.npy", images)
    refused(tmp_path / "X_train.npy", "X_train.npy: expected images and their labels")
    np.save(tmp_path / "y_train.npy", labels)
    np.save(tmp_path / "X_test.npy", images[:4])
    np.save(tmp_path / "y_test.npy", labels[:4])
    for given in (tmp_path, tmp_path / "X_train.npy"):
        mine = load_dataset(str(given))
        assert [len(part) for part in (mine.train, mine.val, mine.test)] == [18, 2, 4]
