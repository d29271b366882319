"""A dataset fetched in the app from a host on loopback, from the offer to the training on it."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import numpy as np
import pytest
from driving import settle, text
from runs_made import until
from scripted import SMALL

from cnn_tui.engine.data.fetch import MIRROR_VARIABLE
from cnn_tui.engine.data.sources import SOURCES, RemoteFile
from cnn_tui.engine.specs.layers import FC
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.baselines import BaselinesScreen
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.datasets import DataScreen
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.session import train

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
NETWORK = msgspec.structs.replace(
    SMALL, data="MNIST", input=(1, 28, 28), layers=(FC(out_features=10),)
)


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def contents() -> dict[str, bytes]:
    """A hundred and twenty images as MNIST's four files; a bar tells the class."""
    files = {}
    for part, count in (("train", 100), ("t10k", 20)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.random.default_rng(count).integers(0, 90, (count, 28, 28)).astype(np.uint8)
        images[np.arange(count), labels * 2] = 255
        files[f"{part}-images-idx3-ubyte.gz"] = idx(images)
        files[f"{part}-labels-idx1-ubyte.gz"] = idx(labels)
    return files


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def place(loopback: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the fetched files go; the host has all of them."""
    www = tmp_path / "www" / "mnist"
    www.mkdir(parents=True)
    files = contents()
    for name, content in files.items():
        (www / name).write_bytes(content)
    remote = tuple(
        RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    )
    source = SOURCES["mnist"]._replace(
        hosts=("https://host.invalid/",), files=remote, train=100, test=20
    )
    monkeypatch.setitem(SOURCES, "mnist", source)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=www.parent))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv(MIRROR_VARIABLE, f"http://127.0.0.1:{server.server_port}")
    yield tmp_path / "home" / "cnn-tui" / "datasets" / "mnist"
    server.shutdown()
    thread.join()
    server.server_close()


def files_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


async def test_training_offers_what_is_missing_and_goes_on_with_it(
    make_app: MakeApp, place: Path
) -> None:
    app = make_app(NETWORK, partial(train, runs_dir=None))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BuildScreen))
        assert not app.training.session.active
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, DataScreen))
        await until(pilot, lambda: "92 to train, 8 to validate, 20" in text(app, "#dataset"))
        assert files_in(place) == sorted(contents())
        assert {name: (place / name).read_bytes() for name in contents()} == contents()
        mnist = next(line for line in text(app, "#datasets").splitlines() if "mnist" in line)
        assert "> mnist" in mnist and "here" in mnist
        await pilot.press("escape", "f5")
        await settle(app, pilot)
        assert (
            app.training.board.ended is not None and app.training.board.ended.reason == "completed"
        )


async def test_broken_off_download_is_completed_by_the_next(make_app: MakeApp, place: Path) -> None:
    name, content = next(iter(contents().items()))
    place.mkdir(parents=True)
    (place / f"{name}.part").write_bytes(content[:1000])
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6", "down", "down", "down")
        await until(pilot, lambda: "f downloads it" in text(app, "#dataset"))
        await pilot.press("f")
        await until(pilot, lambda: "92 to train" in text(app, "#dataset"))
    assert files_in(place) == sorted(contents())
    assert (place / name).read_bytes() == content


async def test_wrong_bytes_are_refused_and_the_next_try_works(
    make_app: MakeApp, place: Path, tmp_path: Path
) -> None:
    name, content = next(iter(contents().items()))
    served = tmp_path / "www" / "mnist" / name
    served.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6", "down", "down", "down", "f")
        await until(pilot, lambda: "SHA-256" in text(app, "#dataset"))
        assert name not in files_in(place)
        served.write_bytes(content)
        await pilot.press("f")
        await until(pilot, lambda: "92 to train" in text(app, "#dataset"))
    assert files_in(place) == sorted(contents())


async def test_baselines_lead_to_the_download_and_back(make_app: MakeApp, place: Path) -> None:
    app = make_app(NETWORK)
    app.places.runs = place.parents[3] / "runs"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: "mnist is not downloaded yet" in text(app, "#climb"))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, DataScreen))
        await until(pilot, lambda: "92 to train" in text(app, "#dataset"))
        await pilot.press("escape")
        assert isinstance(app.screen, BaselinesScreen)
        await until(pilot, lambda: "enter trains the missing baselines" in text(app, "#climb"))
