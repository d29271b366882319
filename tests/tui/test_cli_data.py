"""``cnn-tui data`` and ``train`` on data of the user's own, in this process."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_tui.engine.data.catalog import dataset_names
from cnn_tui.engine.data.fetch import MIRROR_VARIABLE
from cnn_tui.engine.data.sources import SOURCES, Download, RemoteFile

NETWORK = """
name = "linear"
input = [1, 8, 8]
layers = [{ type = "fc", out_features = 2 }]
training = { epochs = 1, batch_size = 16, lr = 0.01 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "linear.toml"
    path.write_text(NETWORK)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Forty dark and forty light pictures in grey, stored as colour."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(40):
            pixels = (rng.integers(0, 100, (12, 10, 1)) + 150 * label).astype(np.uint8)
            Image.fromarray(np.repeat(pixels, 3, 2)).save(folder / f"{number}.png")
    return tmp_path / "pictures"


def test_list_has_every_dataset_and_says_what_is_here(cli) -> None:
    code, out, err = cli("data", "list", "--json")
    assert (code, err) == (0, "")
    listed = {entry["name"]: entry for entry in json.loads(out)}
    assert tuple(listed) == dataset_names()
    assert [name for name, entry in listed.items() if entry["ready"]] == ["digits", "shapes"]
    assert listed["cifar10"]["download_bytes"] == 170_052_171
    lines = cli("data", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(dataset_names())
    assert "12 MB to download" in lines[3]


def test_show_counts_and_measures(cli) -> None:
    code, out, err = cli("data", "show", "digits", "--json")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert (shown["train"], shown["val"], shown["test"]) == (1257, 180, 360)
    assert (shown["input"], shown["low"], shown["high"]) == ([1, 8, 8], 0, 16)
    assert sum(one["train"] for one in shown["classes"]) == 1257
    assert [one["name"] for one in shown["classes"]] == list("0123456789")
    assert shown["mean"] == [pytest.approx(4.88, abs=0.05)]
    assert shown["std"] == [pytest.approx(6.02, abs=0.05)]


def test_show_tells_what_is_doubtful(cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    x_test = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8)
    x_test[2:6], x[40] = x[10:14], 7
    data = tmp_path / "mine.npz"
    np.savez(data, x=x, y=np.arange(60) % 2, x_test=x_test, y_test=np.arange(20) % 2)
    code, out, err = cli("data", "show", data)
    assert (code, err) == (0, "")
    assert out.startswith("mine, NumPy arrays in a .npz file: ")
    assert "! 4 images of the test split are also in training or validation" in out
    assert "! 1 image is nearly of a single brightness." in out
    assert re.search(r"test image \d \(\d\) is (train|val) image \d+ \(\d\)", out)
    assert sum(line.endswith("#") for line in out.splitlines()) == 2
    shown = json.loads(cli("data", "show", data, "--json").out)
    assert (shown["repeats"]["test"], shown["form"]) == (4, "NumPy arrays in a .npz file")
    assert [one["split"] for one in shown["scales"]] == ["train", "val", "test"]
    assert len(shown["flat"]["examples"]) == 1


def test_show_takes_a_part(cli) -> None:
    def part(*words: object) -> dict[str, object]:
        found: dict[str, object] = json.loads(cli("data", "show", "digits", *words, "--json").out)
        return found

    few = part("--limit", 50)
    assert (few["train"], few["val"], few["test"]) == (50, 50, 50)
    assert [one["train"] for one in part("--per-class", 7)["classes"]] == [7] * 10  # type: ignore[attr-defined]
    assert few["mean"] == part("--limit", 50, "--seed", 0)["mean"]
    assert few["mean"] != part("--limit", 50, "--seed", 1)["mean"]


def test_a_training_on_a_part_is_resumed_and_repeated_on_the_same_part(cli, file: Path) -> None:
    options = ("--data", "digits", "--per-class", 9, "--json")
    file.write_text(NETWORK.replace("out_features = 2", "out_features = 10"))
    code, out, _ = cli("train", file, *options)
    started = json.loads(out.splitlines()[0])
    assert (code, started["train_images"], started["val_images"]) == (0, 90, 90)
    for words in (("resume", started["run"], "--epochs", 2), ("reproduce", started["run"])):
        code, out, _ = cli(*words, "--json")
        assert code == 0 and json.loads(out.splitlines()[0])["train_images"] == 90
    code, out, _ = cli("reproduce", started["run"], "--set", "per_class=5", "--json")
    assert code == 0 and json.loads(out.splitlines()[0])["train_images"] == 50


def test_show_in_a_pipe_is_plain(cli) -> None:
    code, out, err = cli("data", "show", "digits")
    assert (code, err) == (0, "")
    assert out.replace("\n", "").isprintable() and "▀" not in out
    assert "1,257 images to train" in out and "mean 4.8" in out


def test_show_of_pictures_resizes_them(cli, pictures: Path) -> None:
    shown = json.loads(cli("data", "show", pictures, "--size", 8, "--grey", "--json").out)
    assert (shown["input"], shown["name"]) == ([1, 8, 8], "pictures")
    assert [one["name"] for one in shown["classes"]] == ["dark", "light"]
    assert json.loads(cli("data", "show", pictures, "--json").out)["input"] == [3, 32, 32]


@pytest.mark.parametrize("how", ["path", "folder", "relative"])
def test_training_on_pictures_takes_the_size_from_the_network(
    cli, file: Path, pictures: Path, how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ways = {
        "path": ("--data", pictures),
        "folder": ("--data", "folder", "--data-dir", pictures),
        "relative": ("--data", "pictures"),
    }
    code, out, err = cli("train", file, "--json", *ways[how])
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert events[0]["classes"] == ["dark", "light"]
    assert events[-1]["test_accuracy"] == 1.0
    # The run finds the pictures again from anywhere.
    monkeypatch.chdir("/")
    code, out, err = cli("resume", events[0]["run"], "--epochs", 2, "--json")
    assert (code, err) == (0, "")


def test_pictures_in_colour_before_a_network_for_grey_are_told(
    cli, file: Path, pictures: Path
) -> None:
    file.write_text(NETWORK)
    quiet = cli("preflight", file, "--data", pictures)
    assert "note" not in quiet.err
    from PIL import Image

    for path in pictures.rglob("*.png"):
        with Image.open(path) as image:
            tinted = np.asarray(image) * np.array([1.0, 0.4, 0.2])
        Image.fromarray(tinted.astype(np.uint8)).save(path)
    words = "The pictures are in colour, but are read in grey"
    assert words in cli("preflight", file, "--data", pictures).err
    lines = cli("preflight", file, "--data", pictures, "--json").out.splitlines()
    assert any(note.startswith(words) for note in json.loads(lines[0])["evidence"])


def test_training_on_npz(cli, file: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((60, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x=x, y=np.array(["yes", "no"] * 30))
    code, out, err = cli("train", file, "--json", "--data", tmp_path / "mine.npz")
    assert (code, err) == (0, "")
    assert json.loads(out.splitlines()[0])["classes"] == ["no", "yes"]


def test_damaged_picture_is_one_line_and_left_out_if_asked(cli, file: Path, pictures: Path) -> None:
    (pictures / "dark" / "bad.png").write_bytes(b"\x89PNG")
    code, out, err = cli("train", file, "--data", pictures)
    assert (code, out) == (1, "")
    assert "bad.png" in err and "--skip-damaged" in err and err.count("\n") == 1
    code, out, err = cli("train", file, "--data", pictures, "--skip-damaged", "--json")
    assert code == 0 and err.count("\n") == 1
    assert (
        err.startswith("cnn-tui: note: Damaged pictures left out: 1 (") and "bad.png: it is" in err
    )
    code, out, err = cli("resume", json.loads(out.splitlines()[0])["run"], "--epochs", 2)
    assert code == 0
    code, out, err = cli("train", file, "--data", pictures, "--resize", "refuse")
    assert (code, out) == (1, "") and "it has 10x12 pixels, the network takes 8x8" in err


def test_missing_set_names_the_command_that_gets_it(cli) -> None:
    code, out, err = cli("train", "cifar-convnet")
    assert (code, out) == (1, "")
    assert "170 MB" in err and "cnn-tui data fetch cifar10" in err and err.count("\n") == 1


CONTENT = os.urandom(70_000)


@pytest.fixture
def mirror(loopback: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    place = tmp_path / "www" / "mnist"
    place.mkdir(parents=True)
    (place / "one.bin").write_bytes(CONTENT)
    files = (RemoteFile("one.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()),)
    source = Download(("https://host.invalid/",), files, (1, 1, 1), 1, 1)
    monkeypatch.setitem(SOURCES, "mnist", source)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=place.parent))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetch_gets_the_files_and_says_where(cli, mirror: str, tmp_path: Path) -> None:
    place = tmp_path / "there"
    code, out, err = cli("data", "fetch", "MNIST", "--mirror", mirror, "--data-dir", place)
    assert (code, err) == (0, "")
    assert str(place) in out and out.count("\n") == 1
    assert (place / "one.bin").read_bytes() == CONTENT
    code, out, err = cli("data", "fetch", "mnist", "--mirror", mirror, "--json")
    fetched = json.loads(out)
    assert (code, fetched["name"], fetched["bytes"]) == (0, "mnist", 70_000)
    assert (Path(fetched["folder"]) / "one.bin").read_bytes() == CONTENT
    listed = {entry["name"]: entry for entry in json.loads(cli("data", "list", "--json").out)}
    assert listed["mnist"]["ready"]
    (Path(fetched["folder"]) / "one.bin").unlink()


def test_fetch_takes_files_from_elsewhere(cli, mirror: str, tmp_path: Path) -> None:
    place, given = tmp_path / "there", tmp_path / "usb" / "download"
    given.parent.mkdir()
    given.write_bytes(CONTENT)
    code, out, err = cli("data", "fetch", "mnist", "--from", given, "--data-dir", place, "--json")
    assert (code, err, json.loads(out)["bytes"]) == (0, "", 70_000)
    assert (place / "one.bin").read_bytes() == CONTENT
    code, out, err = cli("data", "fetch", "mnist", "--from", given, "--mirror", mirror)
    assert code == 2 and "choose one" in err


def test_fetch_that_fails_is_one_line(cli, mirror: str, tmp_path: Path) -> None:
    (tmp_path / "www" / "mnist" / "one.bin").unlink()
    code, out, err = cli("data", "fetch", "mnist", "--mirror", mirror)
    assert (code, out) == (1, "")
    assert re.fullmatch(
        r"cnn-tui: error: one\.bin cannot be downloaded: .* 404 .*--mirror URL, or .*"
        r" --data-dir DIR\.\n",
        err,
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("fetch", "mist"), "Did you mean mnist?"),
        (("fetch", "digits"), "needs no download"),
        (("fetch", "zzz"), "cnn-tui data list shows all of them"),
        (("fetch", "mnist", "--mirror", "ftp://x"), "is not an address"),
        (("show", "digts"), "Did you mean digits?"),
        (("show", "folder"), "--data-dir"),
    ],
)
def test_mistakes_are_one_line(cli, args: tuple[str, ...], words: str) -> None:
    code, out, err = cli("data", *args)
    assert (code, out) == (1, "")
    assert words in err and err.count("\n") == 1


def test_data_without_a_command_lists_and_says_what_else_there_is(cli) -> None:
    code, out, err = cli("data")
    assert (code, err) == (0, "")
    assert out.startswith(cli("data", "list").out) and "data fetch NAME" in out
