"""Sets that are rows of a table: fetched from a host on loopback or taken from a file, and read."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.data.catalog import load_dataset, load_few
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.fetch import MIRROR_VARIABLE, Patience, fetch
from cnn_tui.engine.data.sources import SOURCES, RemoteFile, is_complete
from cnn_tui.engine.data.taking import take
from cnn_tui.engine.data.understanding import understood
from cnn_tui.engine.errors import DataError

RNG = np.random.default_rng(0)
WORDNET = tuple(f"n{number:08}" for number in range(10))


def jpeg(brightness: int) -> bytes:
    stream = io.BytesIO()
    pixels = RNG.integers(brightness, brightness + 20, (24, 32, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def tgz(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def imagenette() -> bytes:
    """Three pictures to train and one to test of each class, the brighter the later."""
    members = {"imagenette2-160/noisy_imagenette.csv": b"path\n"}
    for split, count in (("val", 1), ("train", 3)):
        for label, name in enumerate(WORDNET):
            for number in range(count):
                place = f"imagenette2-160/{split}/{name}/{name}_{number}.JPEG"
                members[place] = jpeg(20 * label)
    return tgz(members)


def medmnist(name: str, **changes: np.ndarray) -> bytes:
    channels, classes = SOURCES[name].input[0], len(SOURCES[name].classes)
    arrays = {}
    for split, count in (("train", 30), ("val", 12), ("test", 12)):
        shape = (count, 28, 28, 3)[: 4 if channels == 3 else 3]
        arrays[f"{split}_images"] = RNG.integers(0, 256, shape).astype(np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count) % classes).astype(np.uint8)[:, None]
    stream = io.BytesIO()
    np.savez_compressed(stream, **{**arrays, **changes})
    return stream.getvalue()


@pytest.fixture
def publish(
    loopback: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, bytes], None]]:
    """A mirror on loopback, and a function that puts the one file of a dataset there."""
    monkeypatch.setenv("no_proxy", "*")
    for kind in ("DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    www = tmp_path / "www"
    www.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=www))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv(MIRROR_VARIABLE, f"http://127.0.0.1:{server.server_port}")

    def put(name: str, content: bytes) -> None:
        official = SOURCES[name].files[0]
        # The size is known only about, as that of the real ones.
        file = RemoteFile(official.name, len(content) - 1000, md5=hashlib.md5(content).hexdigest())
        monkeypatch.setitem(SOURCES, name, SOURCES[name]._replace(files=(file,)))
        (www / name).mkdir()
        (www / name / official.name).write_bytes(content)

    yield put
    server.shutdown()
    thread.join()
    server.server_close()


Publish = Callable[[str, bytes], None]


def counts(data: Dataset) -> list[int]:
    return [len(split) for split in (data.train, data.val, data.test)]


@pytest.mark.parametrize("name", [name for name, row in SOURCES.items() if row.form == "medmnist"])
def test_medmnist_is_fetched_and_read(publish: Publish, name: str) -> None:
    publish(name, medmnist(name))
    calls: list[tuple[int, int]] = []
    fetch(name, progress=lambda what, done, total: calls.append((done, total)))
    assert all(done <= total for done, total in calls) and calls[-1][0] == calls[-1][1]
    data = load_dataset(name)
    assert counts(data) == [30, 12, 12]
    assert (data.input_shape, data.classes) == (SOURCES[name].input, SOURCES[name].classes)


def test_a_medmnist_file_with_other_arrays_is_refused(tmp_path: Path) -> None:
    for changes, words in (
        (
            {"val_images": np.zeros((12, 20, 20), np.uint8)},
            "expected images of 1x28x28",
        ),
        (
            {"test_labels": np.zeros((12, 14), np.uint8)},
            "several labels an image are not",
        ),
        ({"train_labels": np.full((30, 1), 9)}, "the label 9 of image 0 is not a class"),
    ):
        (tmp_path / "breastmnist.npz").write_bytes(medmnist("breastmnist", **changes))
        with pytest.raises(DataError) as raised:
            load_dataset("breastmnist", tmp_path)
        assert words in str(raised.value)
        assert "breastmnist" in str(raised.value)


def unpack(archive: Path, folder: Path) -> None:
    """As a user would; Python 3.11.0 to 3.11.3 know no filters."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def test_imagenette_is_fetched_and_read_at_the_size_of_the_input(
    publish: Publish, tmp_path: Path
) -> None:
    publish("imagenette", imagenette())
    folder = fetch("imagenette")
    assert is_complete("imagenette", folder)
    assert understood("imagenette", folder).startswith("imagenette2-160.tgz, ")
    data = load_dataset("imagenette", shape=(3, 20, 16))
    assert counts(data) == [27, 3, 10] and data.input_shape == (3, 20, 16)
    assert data.classes[3] == "chain saw"
    means = data.test.images[:].mean(axis=(1, 2, 3))
    assert np.all(np.abs(means - 20 * data.test.labels - 10) < 6)
    assert load_dataset("imagenette", shape=(1, 8, 8)).input_shape == (1, 8, 8)
    # An unpacked copy is the same.
    unpack(folder / "imagenette2-160.tgz", tmp_path / "copy")
    for place in (tmp_path / "copy", tmp_path / "copy" / "imagenette2-160"):
        unpacked = load_dataset("imagenette", place, shape=(3, 20, 16))
        assert counts(unpacked) == [27, 3, 10] and unpacked.classes == data.classes
        assert understood("imagenette", place) == (
            "40 pictures, 10 classes: n00000000 to n00000009, 4 of each."
        )


def test_an_archive_that_is_odd_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "imagenette2-160.tgz"
    whole = imagenette()
    for content, words in (
        (whole[: len(whole) // 2], "it is damaged or truncated"),
        (b"<html>", "it is damaged or truncated"),
        (tgz({"../../evil/train/a/1.JPEG": b"x", "x/train/b/2.txt": b"x"}), "no pictures"),
        (tgz({"x/train/a/1.JPEG": b"x", "x/train/b/2.JPEG": b""}), "1.JPEG: it is not a picture"),
    ):
        archive.write_bytes(content)
        with pytest.raises(DataError) as raised:
            load_dataset("imagenette", tmp_path, shape=(3, 8, 8))
        assert words in str(raised.value) and "\n" not in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} <= {archive.name, "CACHE", "DATA"}


def test_another_content_than_published_is_refused(publish: Publish, tmp_path: Path) -> None:
    publish("breastmnist", medmnist("breastmnist"))
    file = SOURCES["breastmnist"].files[0]
    (tmp_path / "www" / "breastmnist" / file.name).write_bytes(medmnist("breastmnist"))
    with pytest.raises(DataError, match="the MD5 of the received file is wrong"):
        fetch("breastmnist", patience=Patience(tries=1, pause=0))
    (tmp_path / "www" / "breastmnist" / file.name).write_bytes(bytes(10 * file.size + (1 << 20)))
    with pytest.raises(DataError, match="it sends more than the"):
        fetch("breastmnist", patience=Patience(tries=1, pause=0))


def test_files_downloaded_elsewhere_are_taken_whatever_their_names(
    publish: Publish, tmp_path: Path
) -> None:
    content = medmnist("breastmnist")
    publish("breastmnist", content)
    given = tmp_path / "usb"
    given.mkdir()
    with pytest.raises(DataError, match=r"breastmnist\.npz of breastmnist is not among"):
        take("breastmnist", [given])
    (given / "breastmnist.npz").write_bytes(b"half")
    with pytest.raises(DataError, match=r"its MD5 is not that of breastmnist\.npz.*zenodo"):
        take("breastmnist", [given])
    with pytest.raises(DataError, match="No such file"):
        take("breastmnist", [tmp_path / "no"])
    (given / "download (1)").write_bytes(content)
    folder = take("breastmnist", [given])
    assert [path.name for path in folder.iterdir()] == ["breastmnist.npz"]
    assert load_dataset("breastmnist").classes == ("malignant", "normal or benign")
    assert take("breastmnist", []) == folder, "what is there already need not be given"


def test_kmnist_is_read_as_mnist_is(tmp_path: Path) -> None:
    from test_idx import idx

    for part, count in (("train", 36), ("t10k", 12)):
        images = np.zeros((count, 28, 28), np.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(
            idx(np.arange(count, dtype=np.uint8) % 10)
        )
    data = load_dataset("KMNIST", tmp_path)
    assert data.classes[:2] == ("o", "ki") and counts(data) == [33, 3, 12]


def test_a_look_at_pictures_decodes_one_of_each_class(publish: Publish, tmp_path: Path) -> None:
    publish("imagenette", imagenette())
    folder = fetch("imagenette")
    few = load_few("imagenette", None, 4)
    assert few.train.labels.tolist() == [0, 1, 2, 3] and few.input_shape == (3, 32, 32)
    assert few.classes[3] == "chain saw"
    unpack(folder / "imagenette2-160.tgz", tmp_path / "copy")
    place = tmp_path / "copy" / "imagenette2-160"
    (place / "train" / WORDNET[1] / "a_first.JPEG").write_bytes(b"no picture")
    for name, data_dir in (("imagenet", place), (str(place), None)):
        own = load_few(name, data_dir, 4)
        assert [label for label in own.train.labels.tolist() if label != 1] == [0, 2, 3]
        assert len(own.train) <= 4 and own.train.images.shape[1:] == (3, 32, 32)
    cached = [path.name for path in (tmp_path / "CACHE" / "cnn-tui").glob("*images*")]
    assert cached == [], "nothing is decoded for it"
    assert len(load_few("digits", None, 4).train) == 1257
    broken = tmp_path / "broken"
    for name in "ab":
        (broken / name).mkdir(parents=True)
        (broken / name / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"No picture of broken can be read: .*1\.png: it is not"):
        load_few(str(broken), None, 4)
