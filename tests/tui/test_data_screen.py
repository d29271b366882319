"""The browser of datasets, with a host on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from driving import text
from PIL import Image
from runs_made import until
from textual.widgets import Static

from cnn_tui.engine.data import decoded
from cnn_tui.engine.data.fetch import MIRROR_VARIABLE
from cnn_tui.engine.data.pictures import FittedPicture
from cnn_tui.engine.data.sources import SOURCES
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.datasets import DataScreen

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]


class Host(ThreadingHTTPServer):
    """Has nothing, or half of a file of that size, after which it waits."""

    daemon_threads = True

    def __init__(self, size: int) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.size = size
        self.let_go = threading.Event()


class Answers(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        size = self.server.size
        if not size:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(bytes(size // 2))
            self.wfile.flush()
            self.server.let_go.wait(30)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve(
    loopback: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def start(size: int) -> Host:
        host = Host(size)
        hosts.append(host)
        threading.Thread(target=host.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv(MIRROR_VARIABLE, f"http://127.0.0.1:{host.server_port}")
        return host

    yield start
    for host in hosts:
        host.let_go.set()
        host.shutdown()
        host.server_close()


def samples(app: CnnTuiApp) -> str:
    static = app.screen.query_one("#samples", Static)
    return "\n".join(
        static.render_line(y).text for y in range(static.size.height) if static.is_mounted
    )


async def test_samples_of_what_is_built_in(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: "1,257 to train" in text(app, "#dataset"))
        assert "170 MB to download" in text(app, "#datasets")
        assert "▀" in samples(app)
        assert {"0", "9", "124"} <= set(samples(app).split())
        before = app.screen.query_one("#samples", Static).content
        await pilot.press("space")
        assert app.screen.query_one("#samples", Static).content is not before
        await pilot.press("down")
        await until(pilot, lambda: "pixels" in text(app, "#dataset") and "▀" in samples(app))
        await pilot.press("home", "down", "down", "f", "x", "right", "f6")
        assert "o opens your own: a folder of pictures" in text(app, "#dataset")
        await pilot.press("escape")
        assert isinstance(app.screen, BuildScreen)


async def test_classes_and_what_is_doubtful_on_c(make_app: MakeApp, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 8, 8), dtype=np.uint8)
    x_test = np.concatenate([images[:3], rng.integers(0, 256, (17, 8, 8), dtype=np.uint8)])
    labels = {"y": np.arange(90) % 3 // 2, "y_test": np.arange(20) % 2}
    np.savez(tmp_path / "mine.npz", x=images, x_test=x_test, **labels)
    app = make_app()
    app.places.given["folder"] = tmp_path / "mine.npz"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6", "down", "down")
        await until(pilot, lambda: "! c shows doubts" in " ".join(text(app, "#dataset").split()))
        assert "NumPy arrays in a .npz file" in " ".join(text(app, "#dataset").split())
        await pilot.press("c")
        await pilot.pause()
        shown = text(app, "#classes")
        assert "3 images of the test split are also in training" in " ".join(shown.split())
        first, second = (line for line in shown.splitlines() if "━" in line)
        assert first.count("━") > second.count("━") > 0
        await pilot.press("space")
        await pilot.pause()
        assert not app.screen.query_one("#classes").display and "▀" in samples(app)


async def test_views_of_a_dataset_that_is_not_here_say_so(make_app: MakeApp) -> None:
    app = make_app(Network(training=Recipe(flip=True)))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f6", "end")
        for key in ("c", "a", "space"):
            await pilot.press(key)
            assert "the dataset is not here" in [*app._notifications][-1].message
            app.clear_notifications()
            await pilot.pause()
        assert not app.screen.query_one("#classes").display
        assert "classes" not in text(app, "KeyBar")


async def test_augmentation_of_the_recipe_on_a(make_app: MakeApp) -> None:
    app = make_app(Network(training=Recipe(flip=True, rotate=30)))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: "▀" in samples(app))
        before = samples(app)
        await pilot.press("a")
        await pilot.pause()
        assert samples(app) != before
        content = app.screen.query_one("#samples", Static).content
        await pilot.press("space")
        await pilot.pause()
        assert app.screen.query_one("#samples", Static).content is not content
        await pilot.press("a")
        await pilot.pause()
        assert "0 124" in " ".join(samples(app).split())


async def test_a_recipe_without_augmentation_says_where_it_is_set(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: "▀" in samples(app))
        await pilot.press("a")
        await pilot.pause()
        assert any("changes no images" in note.message for note in app._notifications)


async def test_a_host_that_has_nothing_is_told(
    make_app: MakeApp, serve: Callable[..., Host]
) -> None:
    serve(0)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6", "down", "down", "down")
        await until(pilot, lambda: "f downloads it: 12 MB" in text(app, "#dataset"))
        await pilot.press("f")
        await until(pilot, lambda: "404" in text(app, "#dataset"))
        assert isinstance(app.screen, DataScreen)


async def test_a_download_shows_how_far_it_is_and_is_broken_off(
    make_app: MakeApp, serve: Callable[..., Host], tmp_path: Path
) -> None:
    host = serve(SOURCES["mnist"].files[0].size)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6", "down", "down", "down", "f")
        await until(pilot, lambda: "━━" in text(app, "#dataset"))
        assert "of 11.6 MB" in text(app, "#dataset")
        await pilot.press("x")
        host.let_go.set()
        await until(pilot, lambda: "━━" not in text(app, "#dataset"))
        assert "fetch again" in " ".join(text(app, "#dataset").split())
        assert "12 MB to download" in text(app, "#datasets")
    assert (tmp_path / "cnn-tui" / "datasets" / "mnist").is_dir()


async def test_a_set_of_pictures_tells_its_progress_and_is_given_up_for_another(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(40):
        place = tmp_path / "mine" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(place)
    told, go_on = threading.Event(), threading.Event()
    read = decoded.fitted_picture

    def slow(path: Path, *how: object) -> FittedPicture:
        told.set()
        go_on.wait(20)
        return read(path, *how)

    monkeypatch.setattr(decoded, "fitted_picture", slow)
    app = make_app()
    app.places.given["folder"] = tmp_path / "mine"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6")
        await pilot.pause()
        await pilot.press("down", "down")
        await until(pilot, lambda: "decoding pictures once" in text(app, "#dataset"))
        await pilot.press("home")
        go_on.set()
        await until(pilot, lambda: "1,257 to train" in text(app, "#dataset"))
        (part,) = (tmp_path / "cache" / "cnn-tui").glob(".part-images-*")
        await pilot.press("down", "down")
        await until(pilot, lambda: "33 to train" in text(app, "#dataset"))
        assert told.is_set() and not part.exists()
