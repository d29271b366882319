"""The engine in a notebook."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from cnn_tui.engine import Network, inspect, load, open_trained, train
from cnn_tui.engine.errors import CnnTuiError, InsightError
from cnn_tui.engine.notebook.training import TrainedRun


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    root = tmp_path_factory.mktemp("notebook")
    return train("digits-convnet", epochs=2, limit=200, runs_dir=root, quiet=True)


def test_a_network_is_a_table() -> None:
    network = load("lenet5")
    assert isinstance(network, Network)
    html = network._repr_html_()
    assert "61,706 parameters" in html and html.count("<tr>") == 1 + len(network.layers)
    assert "<script>" not in Network(name="untitled", description="<script>")._repr_html_()


def test_a_training_is_a_run_with_curves(run: TrainedRun) -> None:
    assert run.history.epochs == [1, 2] and run.summary.state == "completed"
    html = run._repr_html_()
    assert html.count("<polyline") == 4 and "digits-convnet-1" in html
    again = open_trained(run.name, run.folder.path.parent)
    assert again.history == run.history


@pytest.mark.parametrize("view", ["filters", "maps", "saliency", "grad-cam", "confusion"])
def test_each_view_is_a_picture(view: str, run: TrainedRun, tmp_path: Path) -> None:
    picture = inspect(run, view)
    assert run.name in picture.caption and run.name in repr(picture)
    with Image.open(io.BytesIO(picture._repr_png_())) as shown:
        assert shown.size == picture.pixels.shape[1::-1]
        assert len(set(shown.convert("L").tobytes())) > 2
    picture.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size


def test_mistakes_are_one_line(run: TrainedRun, tmp_path: Path) -> None:
    with pytest.raises(InsightError, match="There is no view nothing"):
        inspect(run, "nothing")
    with pytest.raises(CnnTuiError, match="A recipe has no setting epoch"):
        train("digits-convnet", runs_dir=tmp_path, epoch=1)
    with pytest.raises(CnnTuiError, match="This recipe is not allowed: Expected `int` >= 1"):
        train("digits-convnet", runs_dir=tmp_path, epochs=0)
    with pytest.raises(InsightError, match="cannot be written"):
        inspect(run).save(tmp_path / "none" / "a.png")
