"""``cnn-tui inspect``: every view as text, JSON and file, and mistakes as one line."""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from inspected import DEAD, TWINS, make_runs_to_inspect
from PIL import Image

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.inspect.table import VIEWS

pytestmark = pytest.mark.slow

QUICK = {"width": ("--epochs", 1, "--seeds", 1, "--width", 2)}
"""Options that make a view quick."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs_to_inspect(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Runs that a test may change."""
    return shutil.copytree(made, tmp_path / "runs")


def test_the_views_are_listed(cli, root: Path) -> None:
    code, out, err = cli("inspect", "small-2", "--runs-dir", root)
    assert (code, err) == (0, "") and all(view.name in out for view in VIEWS)
    listed = json.loads(cli("inspect", "small-2", "--json", "--runs-dir", root).out)
    assert [one["view"] for one in listed] == [view.name for view in VIEWS]
    help_text = " ".join(cli("inspect", "--help").out.split())
    assert all(view.shows in help_text for view in VIEWS)


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_every_view_is_text_and_json(cli, root: Path, view: str, tmp_path: Path) -> None:
    options = ("inspect", "small-2", view, "--runs-dir", root, *QUICK.get(view, ()))
    code, out, _ = cli(*options)
    assert code == 0 and out.startswith(f"small-2, epoch 0, step 0: {view}")
    code, out, _ = cli(*options, "--json")
    assert code == 0 and len(out.splitlines()) == 1 and json.loads(out)
    code, out, _ = cli(*options, "--out", tmp_path / "view.svg")
    assert (code, out) == (0, "") and (tmp_path / "view.svg").read_text().startswith("<svg")


def test_health_finds_what_was_planted_and_nothing_else(cli, root: Path) -> None:
    found = json.loads(cli("inspect", "small-2", "health", "--json", "--runs-dir", root).out)
    first, second = found["layers"]
    assert (first["layer"], first["filters"], first["distinct"]) == ("conv1", 8, 6)
    assert first["dead"] == [DEAD] and first["duplicates"] == [list(TWINS)]
    assert {"noisy", "effective_rank", "verdict"} <= first.keys()
    assert second["dead"] == second["duplicates"] == []
    one = cli("inspect", "small-2", "health", "--layer", "conv4", "--json", "--runs-dir", root).out
    assert [layer["layer"] for layer in json.loads(one)["layers"]] == ["conv4"]


def test_maps_of_a_picture_file_of_another_size(cli, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "digit.png"
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(file)
    options = ("inspect", "small-2", "maps", "--image", file, "--layer", "relu2")
    code, out, _ = cli(*options, "--runs-dir", root)
    assert code == 0 and "20x20 pixels was fitted to 8x8" in out
    found = json.loads(cli(*options, "--json", "--runs-dir", root).out)
    assert found["shape"] == [8, 8, 8] and found["target"] == "" and len(found["maps"]) == 8


def test_pictures_are_written_by_their_numbers(cli, root: Path, tmp_path: Path) -> None:
    for run in ("small-1", "small-2"):
        code, out, err = cli(
            "inspect", run, "filters", "--out", tmp_path / f"{run}.png", "--runs-dir", root
        )
        assert (code, out) == (0, "") and "is written" in err
    pictures = [(tmp_path / f"small-{n}.png").read_bytes() for n in (1, 2)]
    assert pictures[0] != pictures[1]
    assert {Image.open(BytesIO(picture)).mode for picture in pictures} == {"RGB"}


def test_a_filter_is_ablated_and_kept_out(cli, root: Path) -> None:
    options = ("inspect", "small-2", "ablate", "--filter", DEAD, "--runs-dir", root)
    found = json.loads(cli(*options, "--json").out)
    assert found["removed"] == {"conv1": [DEAD]} and found["before"] == found["after"]
    kept = json.loads(cli(*options, "--keep", "--json").out)["run"]
    assert RunFolder(root / kept).network().layers[0].out_channels == 7
    code, out, _ = cli("inspect", kept, "health", "--runs-dir", root)
    assert code == 0 and "dead" in out


def test_what_health_flags_is_ablated(cli, root: Path) -> None:
    options = ("inspect", "small-2", "ablate", "--flagged", "--runs-dir", root)
    assert json.loads(cli(*options, "--json").out)["removed"] == {"conv1": [DEAD, TWINS[1]]}
    code, out, err = cli(*options, "--layer", "conv4")
    assert (code, out) == (1, "") and "No filter of conv4 is flagged" in err


def test_states_of_a_run(cli, root: Path) -> None:
    states = [
        cli("inspect", "small-1", "filters", "--state", state, "--json", "--runs-dir", root).out
        for state in ("best", "untrained")
    ]
    assert states[0] != states[1]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("filtres",), 2, "Did you mean filters?"),
        (("filters", "--layer", "conv3"), 1, "Did you mean conv"),
        (("filters", "--layer", "relu2"), 1, "not a convolution"),
        (("filters", "--image", 3), 2, "takes no --image"),
        (("health", "--filter", 3), 2, "takes no --filter"),
        (("maps", "--image", 999), 1, "no image 999"),
        (("maps", "--image", "none.png"), 1, "none.png"),
        (("maps", "--image", __file__), 1, "cannot be shown"),
        (("maps", "--state", 77), 1, "no state 77"),
        (("maps", "--data", "cifar"), 1, "Did you mean"),
        (("maps", "--data", "small.npz"), 1, "1x6x6"),
        (("ablate", "--filter", 99), 1, "no filter 99"),
        (("ablate", "--keep"), 2, "--filter"),
        (("histograms", "--layer", "relu2"), 1, "no weights"),
        (("filters", "--out", "view.gif"), 1, "neither in .png nor in .svg"),
        (("health", "--out", "view.png"), 1, "no pictures"),
    ],
)
def test_mistakes_are_one_line(
    cli,
    root: Path,
    options: tuple[object, ...],
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(root)
    np.savez("small.npz", x=np.zeros((40, 6, 6), np.uint8), y=np.arange(40) % 10)
    found = cli("inspect", "small-2", *options, "--runs-dir", root)
    assert (found.code, found.out) == (code, ""), found
    assert words in found.err and found.err.count("\n") == 1


def test_a_network_without_convolutions_has_maps_but_no_filters(cli, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    cli("train", "two-layer", "--epochs", 1, "--runs-dir", root)
    code, out, err = cli("inspect", "two-layer-1", "filters", "--runs-dir", root)
    assert (code, out) == (1, "") and "no conv layer" in err
    assert cli("inspect", "two-layer-1", "maps", "--runs-dir", root).code == 0
    assert cli("inspect", "two-layer-1", "histograms", "--runs-dir", root).code == 0
