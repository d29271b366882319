"""Trained weights in the builder: carried over by a rewrite, trained on from, kept as a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from driving import text
from runs_made import until
from textual.pilot import Pilot

from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.layers import FC, Conv, Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.dialog import Question
from cnn_tui.tui.screens.transform import TransformDialog
from cnn_tui.tui.session import Session, train
from cnn_tui.tui.training import Places, Training

pytestmark = pytest.mark.slow


@pytest.fixture
def lenet(tmp_path: Path) -> Network:
    """LeNet-5 on the built-in digits, enlarged to its 28x28 pixels."""
    digits = load_digits()
    images = digits.train.images[:600].repeat(4, 2).repeat(4, 3)[:, :, 2:-2, 2:-2]
    np.savez(tmp_path / "large.npz", x=images, y=digits.train.labels[:600])
    network = load_preset("lenet5")
    recipe = msgspec.structs.replace(network.training, epochs=4, batch_size=32)
    return msgspec.structs.replace(network, data=str(tmp_path / "large.npz"), training=recipe)


@pytest.fixture
def app(lenet: Network, tmp_path: Path) -> CnnTuiApp:
    """The app with a real trainer, whose runs are kept."""
    places = Places(tmp_path / "runs")
    training = Training(Session(partial(train, runs_dir=places.runs)), places)
    return CnnTuiApp(Builder(Document(lenet)), training)


async def trained(app: CnnTuiApp, pilot: Pilot[None], *keys: str) -> RunFolder:
    """Train with F5 and answer what is asked; the folder of the run."""
    await pilot.press("f5")
    await pilot.pause()
    await pilot.press(*keys)
    await until(pilot, lambda: app.training.board.ended and not app.training.session.active)
    assert app.training.board.ended
    assert app.training.board.ended.reason == "completed", app.training.board.ended.message
    await pilot.press("1")
    await until(pilot, lambda: isinstance(app.screen, BuildScreen))
    assert app.training.board.kept
    return app.training.board.kept


async def rewritten(app: CnnTuiApp, pilot: Pilot[None], row: str) -> str:
    """Transform a layer in the first way on offer; what the dialog showed."""
    app.builder.find(row)
    await pilot.press("T")
    await until(pilot, lambda: isinstance(app.screen, TransformDialog))
    await until(pilot, lambda: "random images: scores up to" in text(app, "CandidateList"))
    shown = text(app, "CandidateList")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, BuildScreen))
    return shown


def scores(folder: RunFolder, images: np.ndarray) -> np.ndarray:
    with closing(read_state(folder).model()) as model:
        return model.forward(images)


def runs(app: CnnTuiApp) -> Iterator[RunFolder]:
    return map(RunFolder, sorted(app.places.runs.iterdir()))


async def kept(app: CnnTuiApp, pilot: Pilot[None]) -> RunFolder:
    before = {folder.name for folder in runs(app)}
    await pilot.press("W")
    await until(pilot, lambda: any("Saved as" in note.message for note in app._notifications))
    (new,) = (folder for folder in runs(app) if folder.name not in before)
    return new


async def test_a_trained_lenet_keeps_its_outputs_when_its_fc_layers_become_convolutions(
    app: CnnTuiApp,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        first = await trained(app, pilot)
        for row in ("7", "9", "11"):
            assert "Equal on 4 random images" in await rewritten(app, pilot, row)
        assert not any(isinstance(layer, FC) for layer in app.builder.network.layers)
        carried = await kept(app, pilot)
        images = np.random.default_rng(0).normal(size=(16, 1, 28, 28)).astype(np.float32)
        before, after = scores(first, images), scores(carried, images)
        assert np.abs(before).max() > 0.5
        assert np.abs(before - after.reshape(before.shape)).max() < 1e-5
        assert carried.notes().note == f"weights of {first.name} through " + ", ".join(
            ["fc to conv"] * 3
        )

        # It can be trained on, from these weights: the first loss is a trained network's.
        await trained(app, pilot, "w")
        assert app.training.board.train_loss.points()[0][1] < 1.0
        assert app.builder.latest
        assert app.builder.latest.folder.name != first.name


async def test_the_weights_of_a_convolution_become_those_of_a_matrix_and_undo_gives_them_back(
    app: CnnTuiApp,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.builder.open(_all_conv(app.builder.network), None)
        first = await trained(app, pilot)
        shown = await rewritten(app, pilot, "2")
        assert "Equal on" in shown
        carried = await kept(app, pilot)
        images = np.random.default_rng(0).normal(size=(4, 1, 28, 28)).astype(np.float32)
        before, after = scores(first, images), scores(carried, images)
        assert np.abs(before - after).max() < 1e-5 * max(1, np.abs(before).max())
        await pilot.press("u")
        assert app.builder.weights
        assert app.builder.document.trained is None


def _all_conv(network: Network) -> Network:
    layers: tuple[Layer, ...] = (
        Conv(out_channels=4, kernel_size=4, stride=4),
        Conv(out_channels=8, kernel_size=3, stride=2),
        FC(out_features=10),
    )
    return msgspec.structs.replace(network, layers=layers)


async def test_a_run_is_taken_up_from_the_history_with_its_weights(app: CnnTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        first = await trained(app, pilot)
        app.builder.open(Network(), None)
        app.builder.latest = None
        await pilot.press("W")
        assert "no trained weights" in list(app._notifications)[-1].message
        await pilot.press("3")
        await until(pilot, lambda: first.name in text(app, "#runs"))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, BuildScreen))
        assert app.builder.weights
        assert app.builder.weights.words == first.name
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        assert not app.training.session.active
        # An edit that changes no shape leaves them in hand, one that does takes them away.
        await pilot.press("end", "up", "up", "up", "i", *"dropout", "enter")
        await until(pilot, lambda: isinstance(app.screen, BuildScreen))
        assert app.builder.report.layers[-2].type == "dropout"
        assert app.builder.weights
        await pilot.press("escape", "home", "down", "D")
        assert app.builder.weights is None
