"""A folder for the data, given in the app wherever data is missing, holds for the whole app."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from driving import text, type_in
from runs_made import until
from test_data_fetch import idx
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from cnn_tui.engine.data.catalog import entries, load_dataset
from cnn_tui.engine.data.sources import holds
from cnn_tui.engine.data.understanding import understood
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.paths import complete_path
from cnn_tui.tui.building.recent import DATA
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.screens.path_prompt import PathPrompt
from cnn_tui.tui.training import Places

pytestmark = pytest.mark.slow

MakeApp = Callable[..., CnnTuiApp]
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """Four small files of MNIST's form, in ``data/mnist``."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for part, count in ((NAMES[:2], 240), (NAMES[2:], 40)):
        (folder / part[0]).write_bytes(idx(np.zeros((count, 28, 28), np.uint8)))
        (folder / part[1]).write_bytes(idx((np.arange(count) % 10).astype(np.uint8)))
    return folder


def prompt(app: CnnTuiApp) -> PathPrompt:
    assert isinstance(app.screen, PathPrompt)
    return app.screen


def line(app: CnnTuiApp) -> str:
    return prompt(app).query_one(Input).value


def said(app: CnnTuiApp) -> str:
    return str(prompt(app).query_one(".detail", Static).content)


async def asks(app: CnnTuiApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(app.screen, PathPrompt))


def test_paths_are_completed_as_far_as_they_are_certain(tmp_path: Path) -> None:
    for name in ("alpha", "alpine", "beta/deep", ".hidden"):
        (tmp_path / "x" / name).mkdir(parents=True)
    for name in ("array.npz", "notes.txt"):
        (tmp_path / "x" / name).touch()
    assert complete_path("x/al") == ("x/alp", ("x/alpha/", "x/alpine/"))
    assert complete_path("x/b").text == "x/beta/"
    assert complete_path("x/beta/").choices == ("x/beta/deep/",)
    assert complete_path("x/", (".npz",)).choices[2:] == ("x/array.npz", "x/beta/")
    assert complete_path("x/.").text == "x/.hidden/"
    assert complete_path("~").text == "~/"
    for odd in ("x/zz", "no/such/", "x\0", "~nobody-here/", "x/notes.txt/"):
        assert complete_path(odd) == (odd, ())


def test_what_a_folder_holds_is_told_by_names_and_sizes(tmp_path: Path, mnist: Path) -> None:
    assert holds("mnist", mnist) and holds("fashion-mnist", mnist)
    assert not holds("cifar10", mnist) and not holds("mnist", tmp_path)
    (tmp_path / "c" / "cifar-100-binary").mkdir(parents=True)
    (tmp_path / "c" / "cifar-100-binary" / "train.bin").touch()
    assert holds("cifar100", tmp_path / "c") and not holds("cifar10", tmp_path / "c")
    fashion = mnist / f"{NAMES[0]}.gz"
    with fashion.open("wb") as file:
        file.truncate(26_421_880)
    assert not holds("mnist", mnist) and holds("fashion-mnist", mnist)


def test_what_was_found_is_said_in_words(tmp_path: Path, mnist: Path) -> None:
    assert understood("mnist", mnist).startswith("240 + 40 images of 1x28x28, 10 classes: 0 to 9. ")
    for kind, count in (("cat", 3), ("dog", 2)):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "pets" / kind / f"{number}.png").touch()
    assert understood("folder", tmp_path / "pets") == (
        "5 pictures, 2 classes: cat and dog, 2 to 3 of each."
    )
    (tmp_path / "x.xyz").touch()
    for own in (mnist, mnist / NAMES[0]):
        assert understood("folder", own).startswith("240 + 40 images of 1x28x28, 10 classes")
    shutil.copytree(mnist, tmp_path / "other" / "digits")
    for name, path, words in (
        ("mnist", tmp_path / "other", f"Did you mean {tmp_path / 'other' / 'digits'}?"),
        ("cifar10", mnist, "These are the files of mnist, fashion-mnist or kmnist."),
        ("mnist", tmp_path / "pets", "found neither. Choose another folder."),
        ("mnist", tmp_path / "no", "there is no such folder"),
        ("folder", tmp_path / "x.xyz", "expected a folder of pictures, or a .npz,"),
    ):
        with pytest.raises(DataError) as raised:
            understood(name, path)
        assert words in str(raised.value) and "--data-dir" not in str(raised.value)


@pytest.mark.parametrize("at", ["mnist", "MNIST/raw"])
def test_the_folder_of_all_data_may_be_given(tmp_path: Path, mnist: Path, at: str) -> None:
    every = tmp_path / "every"
    shutil.copytree(mnist, every / at)
    where = f"The files of mnist are those in {every / at}."
    assert where in understood("mnist", every)
    assert where in load_dataset("MNIST", every).notes
    (listed,) = (one for one in entries(Places(data=every).data_of) if one.name == "mnist")
    assert listed.ready and listed.folder == str(every / at)
    (every / at / NAMES[3]).unlink()
    with pytest.raises(DataError, match=f"{every / at}: expected the file {NAMES[3]}"):
        load_dataset("mnist", every)
    (every / NAMES[0]).touch()
    with pytest.raises(DataError, match=f"{every}: expected the file {NAMES[1]}"):
        load_dataset("mnist", every)


def test_the_folder_of_the_command_line_serves_what_it_may_hold(mnist: Path) -> None:
    places = Places(data=mnist)
    assert places.data_of("MNIST") == mnist and places.lacks("mnist") is None
    assert places.data_of("digits") is None and places.data_of("some/path") is None
    assert places.data_of("cifar10") is None and places.lacks("cifar10") == "cifar10"
    assert Places(data=mnist.parent).data_of("cifar10") == mnist.parent
    assert Places().lacks("folder") == "folder" and Places(data=mnist).lacks("digits") is None


@pytest.mark.parametrize("key", ["f5", "f3", "f4"])
async def test_it_is_asked_for_wherever_data_is_missing(
    make_app: MakeApp, mnist: Path, key: str
) -> None:
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        await pilot.press("o")
        await asks(app, pilot)
        await type_in(pilot, "data/mn")
        await pilot.press("tab")
        await pilot.pause()
        assert line(app) == "data/mnist/"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, PathPrompt))
        assert app.places.data_of("mnist") == mnist
        assert app.places.lacks("mnist") is None
        assert DATA.paths() == (mnist,)
        await until(pilot, lambda: app.current_mode == "train" or len(app.screen_stack) > 1)


async def test_a_wrong_path_stays_with_the_reason_and_esc_goes_back(
    make_app: MakeApp, mnist: Path
) -> None:
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await pilot.pause()
        await pilot.press("o")
        await asks(app, pilot)
        named = mnist.rename(mnist.parent / "digits")
        await type_in(pilot, "data")
        await pilot.press("enter")
        await until(pilot, lambda: "Did you mean" in said(app))
        assert line(app) == "data" and str(named) in said(app).replace("\n", "")
        await pilot.press("escape")
        assert isinstance(app.screen, Question), "one step back, to the question"
        await pilot.press("escape")
        await pilot.pause()
        assert len(app.screen_stack) == 1 and app.current_mode == "build"
        assert app.places.lacks("mnist") == "mnist"


async def test_recent_folders_come_first_and_go_when_they_are_gone(
    make_app: MakeApp, mnist: Path
) -> None:
    other = mnist.parent / "other"
    shutil.copytree(mnist, other)
    DATA.add(other)
    DATA.add(mnist)
    shutil.rmtree(other)
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await pilot.pause()
        await pilot.press("o")
        await asks(app, pilot)
        assert prompt(app).query_one(OptionList).option_count == 1
        await pilot.press("down", "enter")
        await until(pilot, lambda: not isinstance(app.screen, PathPrompt))
        assert app.places.data_of("mnist") == mnist


async def test_the_datasets_know_the_folder_and_ask_for_one(make_app: MakeApp, mnist: Path) -> None:
    app = make_app()
    app.places.data = mnist
    np.savez("mine.npz", x=np.zeros((60, 8, 8), np.uint8), y=np.arange(60) % 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: "digits" in text(app, "#datasets"))
        assert "in your folder" in text(app, "#datasets")
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: f"in{mnist}" in "".join(text(app, "#dataset").split()))
        assert "220 to train, 20 to validate, 40 to test" in text(app, "#dataset")
        await pilot.press("up")
        await until(pilot, lambda: "o opens your own" in text(app, "#dataset"))
        await pilot.press("o")
        await asks(app, pilot)
        await type_in(pilot, "min")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "to train" in text(app, "#dataset"))
        assert app.places.data_of("folder") == Path.cwd() / "mine.npz"
        assert app.places.lacks("folder") is None


async def test_the_baselines_ask_for_it_too(make_app: MakeApp, mnist: Path) -> None:
    app = make_app(load_preset("lenet5"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: "o opens the folder" in " ".join(text(app, "#climb").split()))
        await pilot.press("o")
        await asks(app, pilot)
        await type_in(pilot, "data/mnist")
        await pilot.press("enter")
        await until(pilot, lambda: "enter trains the missing baselines" in text(app, "#climb"))
        assert app.places.data_of("mnist") == mnist
