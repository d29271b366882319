"""Weights from elsewhere, kept as a run: complete, usable, or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exported import EVERY_LAYER, state_of

from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.errors import CnnTuiError, RunError
from cnn_tui.engine.export.states import Predictor, read_state
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.imported import Pixels, keep_imported
from cnn_tui.engine.runs.train import resume_run
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.control import Control


def test_the_run_holds_the_weights_and_what_predict_needs(tmp_path: Path) -> None:
    state = state_of(EVERY_LAYER)
    pixels = Pixels(mean=(0.5,), std=(0.25, 0.2), peak=255.0)
    names = ("a", "b", "c")
    folder = keep_imported(
        tmp_path, state.network, state.weights, classes=names, pixels=pixels, note="from x.onnx"
    )
    kept = read_state(folder)
    assert kept.weights.keys() == state.weights.keys()
    for name, array in kept.weights.items():
        np.testing.assert_array_equal(array, state.weights[name])
    assert (kept.classes, kept.peak, kept.network) == (names, 255.0, state.network)
    np.testing.assert_array_equal(kept.normalizer.mean.ravel(), [0.5, 0.5])
    entry = read_entry(folder)
    assert entry
    params = sum(array.size for name, array in state.weights.items() if "running" not in name)
    summary = entry.summary
    assert (entry.state, entry.note, summary.params) == ("stopped", "from x.onnx", params)
    predictor = Predictor(kept)
    assert {one.label for one in predictor.guesses(np.zeros((2, 9, 12), np.uint8), 3)} == {*names}
    predictor.close()


def test_without_names_and_pixels_the_classes_are_numbers_and_pixels_stay(tmp_path: Path) -> None:
    state = state_of(EVERY_LAYER)
    kept = read_state(keep_imported(tmp_path, state.network, state.weights))
    assert (kept.classes, kept.peak) == (("0", "1", "2"), 1.0)
    assert (kept.normalizer.mean == 0).all() and (kept.normalizer.std == 1).all()


def test_there_is_no_training_to_resume(tmp_path: Path) -> None:
    digits = load_preset("digits-convnet")
    folder = keep_imported(tmp_path, digits, state_of(digits).weights)
    with pytest.raises(RunError, match=r"train --from digits-convnet-1"):
        resume_run(folder, digits, load_digits(), control=Control())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"classes": ("a",)}, "gives 3 scores, received the names of 1 classes"),
        ({"pixels": Pixels(mean=(0.0,) * 3)}, "2 channels, received 3 means and 2"),
        ({"pixels": Pixels(std=(0.0,))}, "greater than 0"),
        ({"weights": {}}, "there are no weights for"),
    ],
)
def test_what_does_not_fit_leaves_nothing(
    wrong: dict[str, object], words: str, tmp_path: Path
) -> None:
    state = state_of(EVERY_LAYER)
    given = {"weights": state.weights, **wrong}
    with pytest.raises(CnnTuiError, match=words):
        keep_imported(tmp_path / "runs", state.network, **given)
    assert not list(tmp_path.glob("runs/*"))
