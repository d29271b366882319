"""The baselines: their networks, their order, their runs, and the reuse of results."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cnn_tui.engine.baselines import suite as ladder_module
from cnn_tui.engine.baselines.neighbours import KNN
from cnn_tui.engine.baselines.recipes import BASELINES, Baseline, network_for
from cnn_tui.engine.baselines.record import BaselineResult
from cnn_tui.engine.baselines.suite import BaselineStarted, BaselineSuite, PairsCompared, SuiteEvent
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.errors import CnnTuiError, RunError
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.runs.history import list_runs
from cnn_tui.engine.runs.manage import rename_run
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import SVM, Network, Softmax
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunStarted

NETWORKS = BASELINES[1:]
SHAPES = [
    (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 8, 8), (1, 4, 4), (3, 5, 7), (1, 1, 9), (3, 64, 64),
    (3, 97, 33), (1, 32, 32),
]  # fmt: skip


@pytest.mark.parametrize("baseline", NETWORKS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_networks_fit_whatever_the_images(
    baseline: Baseline, shape: tuple[int, int, int], classes: int
) -> None:
    network = network_for(baseline, shape, classes, 1000, data="mine")
    report = check(network, classes)
    assert report.valid, report.issues
    assert (network.input, network.name, network.data) == (shape, baseline, "mine")


def test_networks_are_what_their_names_say() -> None:
    made = {name: network_for(name, (1, 28, 28), 10, 55_000, data="mnist") for name in NETWORKS}
    assert isinstance(made["linear-svm"].loss, SVM)
    assert isinstance(made["linear-softmax"].loss, Softmax)
    kinds = {name: [type(layer) for layer in network.layers] for name, network in made.items()}
    assert kinds["linear-svm"] == kinds["linear-softmax"] == [FC]
    assert kinds["two-layer"].count(FC) == 2 and Conv not in kinds["two-layer"]
    assert kinds["convnet"].count(Conv) == 2
    assert check(made["linear-svm"]).total_params == 7850
    assert check(made["convnet"]).total_params == 61_706


def test_recipe_suits_the_number_of_images_unless_told_otherwise() -> None:
    small, large = (network_for("convnet", (3, 32, 32), 10, n, data="") for n in (1000, 45_000))
    assert small.training.epochs == 20 and large.training.epochs == 11
    told = network_for("convnet", (3, 32, 32), 10, 45_000, data="", epochs=2, seed=7)
    assert (told.training.epochs, told.training.seed) == (2, 7)
    near, far = (network_for("linear-softmax", shape, 10, 9999, data="") for shape in SHAPES[:3:2])
    assert near.training.lr > 10 * far.training.lr


def split(count: int, seed: int) -> Split:
    """Noise that is brighter in the quarter given by the label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = rng.integers(0, 120, (count, 1, 8, 8))
    for label, (y, x) in enumerate(((0, 0), (0, 4), (4, 0))):
        pixels[labels == label, :, y : y + 4, x : x + 4] += 90
    return Split(pixels.astype(np.uint8), labels)


DATASET = Dataset("quarters", ("a", "b", "c"), split(120, 0), split(30, 1), split(60, 2))


def ladder(root: Path, **settings: object) -> BaselineSuite:
    usual = {"dataset": DATASET, "name": "quarters", "root": root, "epochs": 2, "threads": 1}
    return BaselineSuite(**{**usual, **settings})


def climb(root: Path, **settings: object) -> tuple[list[BaselineResult], list[SuiteEvent]]:
    events: list[SuiteEvent] = []
    return list(ladder(root, **settings).run(events.append)), events


def started(events: list[SuiteEvent]) -> list[str]:
    return [event.baseline for event in events if isinstance(event, BaselineStarted)]


def test_rungs_come_in_the_order_of_the_notes_with_all_figures(tmp_path: Path) -> None:
    rungs, events = climb(tmp_path, epochs=3)
    assert tuple(rung.baseline for rung in rungs) == BASELINES
    assert started(events) == list(BASELINES)
    assert any(isinstance(event, PairsCompared) for event in events)
    assert sum(isinstance(event, RunStarted) for event in events) == 4
    for rung in rungs:
        assert 0.6 < rung.test_accuracy <= 1 and rung.predict_ms_per_image > 0
        assert (rung.train_seconds > 0) == (rung.params > 0) == (rung.baseline != "knn")
        assert (rung.data, rung.test_images, rung.done_before) == ("quarters", 60, False)
    assert rungs[1].params == 8 * 8 * 3 + 3 and rungs[1].epochs == 3


def test_each_rung_is_in_the_history(tmp_path: Path) -> None:
    rungs, _ = climb(tmp_path)
    runs = {run.name: run for run in list_runs(tmp_path)}
    assert sorted(runs) == sorted(rung.run for rung in rungs)
    for rung in rungs:
        run = runs[rung.run]
        assert (run.state, run.summary.arch) == ("completed", rung.baseline)
        assert run.summary.data == "quarters"
        assert run.summary.test_accuracy == rung.test_accuracy
        assert run.summary.params == rung.params


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first, _ = climb(tmp_path)
    second, events = climb(tmp_path)
    assert started(events) == []
    assert second == [msgspec.structs.replace(rung, done_before=True) for rung in first]
    assert len(list_runs(tmp_path)) == 5


@pytest.mark.parametrize(
    ("settings", "again"),
    [
        ({"seed": 1}, list(NETWORKS)),
        ({"epochs": 3}, list(NETWORKS)),
        ({"knn": KNN("l1")}, ["knn"]),
        ({"knn": KNN(k=2)}, ["knn"]),
        ({"threads": 2}, []),
        ({"rungs": ("two-layer",)}, []),
    ],
)
def test_only_what_other_settings_change_is_done_again(
    tmp_path: Path, settings: dict[str, object], again: list[str]
) -> None:
    climb(tmp_path)
    _, events = climb(tmp_path, **settings)
    assert started(events) == again


def test_other_images_or_a_deleted_run_are_done_again(tmp_path: Path) -> None:
    rungs, _ = climb(tmp_path, rungs=("knn", "linear-svm"))
    shutil.rmtree(tmp_path / rungs[1].run)
    assert started(climb(tmp_path, rungs=("knn", "linear-svm"))[1]) == ["linear-svm"]
    other = Dataset("quarters", DATASET.classes, split(120, 9), DATASET.val, DATASET.test)
    _, events = climb(tmp_path, rungs=("knn", "linear-svm"), dataset=other)
    assert started(events) == ["knn", "linear-svm"]


def test_interrupted_training_goes_on_and_ends_as_if_it_never_was(tmp_path: Path) -> None:
    control = Control()
    steps: list[int] = []

    def stop(event: SuiteEvent) -> None:
        if isinstance(event, BatchCompleted):
            steps.append(event.step)
            if len(steps) == 3:
                control.stop()

    cut = ladder(tmp_path / "cut", rungs=("two-layer", "convnet"))
    assert list(cut.run(stop, control)) == []
    resumed: list[int] = []

    def count(event: SuiteEvent) -> None:
        if isinstance(event, RunStarted):
            resumed.append(event.from_step)

    rungs = list(cut.run(count))
    assert resumed == [3, 0]
    assert len(list_runs(tmp_path / "cut")) == 2
    whole, _ = climb(tmp_path / "whole", rungs=("two-layer", "convnet"))
    assert [rung.test_accuracy for rung in rungs] == [rung.test_accuracy for rung in whole]


def test_neighbours_can_be_stopped_and_nothing_is_left(tmp_path: Path) -> None:
    control = Control()

    def stop(event: SuiteEvent) -> None:
        if isinstance(event, PairsCompared):
            control.stop()

    assert list(ladder(tmp_path).run(stop, control)) == []
    assert list_runs(tmp_path) == []


def test_training_that_fails_is_named_and_the_rungs_before_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wild(baseline: Baseline, *args: object, **settings: object) -> Network:
        network = network_for(baseline, *args, **settings)  # type: ignore[arg-type]
        if baseline != "two-layer":
            return network
        training = msgspec.structs.replace(network.training, lr=1e6)
        return msgspec.structs.replace(network, training=training)

    monkeypatch.setattr(ladder_module, "network_for", wild)
    received: list[BaselineResult] = []
    with pytest.raises(CnnTuiError, match=r"training of two-layer failed: .*(not finite|explode)"):
        for rung in ladder(tmp_path, epochs=30).run(lambda event: None):
            received.append(rung)
    assert [rung.baseline for rung in received] == ["knn", "linear-svm", "linear-softmax"]
    monkeypatch.undo()
    _, events = climb(tmp_path, epochs=30)
    assert started(events) == ["two-layer", "convnet"]


def test_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file"):
        climb(tmp_path / "file", rungs=("knn",))


def test_renamed_run_is_found_by_its_new_name(tmp_path: Path) -> None:
    (rung,), _ = climb(tmp_path, rungs=("linear-svm",))
    rename_run(open_run(tmp_path, rung.run), "mine")
    (again,), events = climb(tmp_path, rungs=("linear-svm",))
    assert (again.run, started(events)) == ("mine", [])


def test_damaged_record_counts_as_none(tmp_path: Path) -> None:
    (rung,), _ = climb(tmp_path, rungs=("linear-svm",))
    (tmp_path / rung.run / "baseline.json").write_text("{")
    assert started(climb(tmp_path, rungs=("linear-svm",))[1]) == ["linear-svm"]


def test_what_is_done_is_told_without_doing_anything(tmp_path: Path) -> None:
    assert ladder(tmp_path).done() == ()
    rungs, _ = climb(tmp_path, rungs=("knn", "linear-svm"))
    assert ladder(tmp_path).done() == tuple(
        msgspec.structs.replace(rung, done_before=True) for rung in rungs
    )
    assert len(list_runs(tmp_path)) == 2
