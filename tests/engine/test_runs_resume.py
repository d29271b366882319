"""A run resumed from any of its steps ends with the bits of an uninterrupted one."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sessions import Session, assert_same, figures, noise_set, small_network

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.train import new_run, with_epochs
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    CheckpointSaved,
    RunEvent,
    RunStarted,
)

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
STEPS = 9


def run(where: RunFolder | Path, described: Network, **how: Any) -> Session:
    return Session(where, described, how.pop("data", DATA), **how)


DATA = noise_set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "threads"), [("momentum", 1), *((optimizer, 4) for optimizer in OPTIMIZERS)]
)
def test_resume_at_every_step_ends_with_the_same_bits(
    optimizer: str, threads: int, tmp_path: Path
) -> None:
    changes = {"flip": True, "shift": 1, "cutout": 2}
    described = small_network(optimizer=optimizer, schedule="cosine", warmup_epochs=0.5, **changes)
    whole = run(tmp_path, described)
    for step in range(1, STEPS + 1):
        first = run(tmp_path, described, stop_at=step, threads=threads)
        assert first.events[-1].reason == "stopped" and first.events[-1].step == step
        last = run(first.folder, described, threads=5 - threads)
        assert last.only(RunStarted)[0].from_step == step
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)


CUT = {
    "merged": {"last_batch": "merge", "balance": "weights", "mixup": 0.4, "rotate": 20.0},
    "dropped": {"last_batch": "drop", "balance": "sampling", "jitter": 0.3, "scale": 0.2},
}


@pytest.mark.parametrize("recipe", CUT.values(), ids=CUT)
def test_resume_with_weighted_blended_and_joined_batches(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    described = small_network(epochs=2, **recipe)
    whole = run(tmp_path, described)
    assert whole.events[-1].step == 4
    for step in range(1, 4):
        first = run(tmp_path, described, stop_at=step, threads=4)
        last = run(first.folder, described)
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_a_folder_whose_name_is_not_utf_8_loses_no_event(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"runs-\xff")
    first = run(root, small_network(), stop_at=4, policy=Policy(steps=2))
    assert not first.only(Alert)
    last = run(first.folder, small_network())
    kept = list(read_events(last.folder.events_file))
    started = [event for event in kept if isinstance(event, RunStarted)]
    assert [event.path for event in started] == [f"{tmp_path}/runs-\\udcff/small-1"] * 2
    assert [event for event in kept if isinstance(event, CheckpointSaved)]
    assert last.only(RunStarted)[0].from_step == 4


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_data_in_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"data-\xff")
    with new_run(tmp_path, small_network(), DATA, control=Control(), data_dir=place) as recorder:
        info = open_run(tmp_path, recorder.run).info()
    assert info.data_dir == f"{tmp_path}/data-\\udcff"


def test_the_best_weights_are_found_again_after_a_resume(tmp_path: Path) -> None:
    described = small_network(lr=0.3, optimizer="sgd", keep_best=True, patience=2, epochs=12)
    whole = run(tmp_path, described)
    end = whole.events[-1]
    assert end.best_epoch < end.epoch < 12, "the weights of the last epoch must not be the best"
    for step in range(1, end.step + 1):
        first = run(tmp_path, described, stop_at=step)
        last = run(first.folder, described)
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)


def test_states_that_are_kept_for_good_are_all_there_and_any_is_resumed_from(
    tmp_path: Path,
) -> None:
    described = small_network(epochs=12, keep_every=2)
    # Epochs of milliseconds: the trainer has to wait for the disk.
    whole = run(tmp_path, described)
    steps = [saved.step for saved in whole.only(CheckpointSaved) if saved.lasting]
    assert steps == [6, 12, 18, 24, 30, 36]
    assert {*steps} <= {state.step for state in kept_states(whole.folder)}
    # Without the setting the weights are the same, and it may change when a run is resumed.
    last = run(whole.folder, small_network(epochs=12), from_step=12)
    assert last.only(RunStarted)[0].from_step == 12
    assert_same(last.weights, whole.weights)


def test_a_run_cut_into_single_steps_is_the_same(tmp_path: Path) -> None:
    described = small_network(optimizer="adam")
    whole = run(tmp_path, described)
    part = run(tmp_path, described, stop_at=1)
    for step in range(2, STEPS + 1):
        part = run(part.folder, described, stop_at=step, threads=1 + step % 3)
    last = run(part.folder, described)
    assert last.events[-1].reason == "completed"
    assert_same(last.weights, whole.weights)
    assert figures(last.folder) == figures(whole.folder)


def test_any_checkpoint_will_do(tmp_path: Path) -> None:
    """Resume a folder as it was at the moment of a crash, not only after an orderly stop."""
    described = small_network(optimizer="momentum")
    copies: list[Path] = []

    def copy_on_save(event: RunEvent, control: Control) -> None:
        if isinstance(event, CheckpointSaved):
            copies.append(tmp_path / f"copy-{len(copies)}")
            shutil.copytree(Path(event.path).parents[not event.best], copies[-1])

    whole = run(
        tmp_path / "runs", described, policy=Policy(steps=1), on_event=copy_on_save, settle=True
    )
    assert len(copies) >= STEPS
    for path in copies:
        (path / "lock").unlink()
        last = run(RunFolder(path), described)
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)


def test_epochs_can_be_raised(tmp_path: Path) -> None:
    short, long = small_network(epochs=2), small_network(epochs=4)
    whole = run(tmp_path, long)
    first = run(tmp_path, short)
    assert first.events[-1].reason == "completed"
    last = run(first.folder, with_epochs(first.folder.network(), 4))
    assert_same(last.weights, whole.weights)
    assert figures(last.folder) == figures(whole.folder)
    assert open_run(tmp_path, first.folder.name).network().training.epochs == 4


def test_a_changed_learning_rate_stays_changed(tmp_path: Path) -> None:
    described = small_network()

    def change(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == 3:
            control.set_lr(0.5)

    whole = run(tmp_path, described, on_event=change)
    first = run(tmp_path, described, stop_at=5, on_event=change)
    last = run(first.folder, described)
    assert {event.lr for event in last.only(BatchCompleted)} == {0.5}
    assert_same(last.weights, whole.weights)


def test_a_completed_run_goes_on_to_its_test_alone(tmp_path: Path) -> None:
    first = run(tmp_path, small_network())
    again = run(first.folder, small_network())
    assert again.only(BatchCompleted) == []
    assert again.events[-1].test_accuracy == first.events[-1].test_accuracy
    assert figures(again.folder).count(figures(again.folder)[0]) == 1


def test_a_run_without_a_checkpoint_begins_anew(tmp_path: Path) -> None:
    first = run(tmp_path, small_network(), stop_at=4)
    for path in first.folder.checkpoints.iterdir():
        path.unlink()
    first.folder.best_file.unlink()
    last = run(first.folder, small_network())
    assert last.only(RunStarted)[0].from_step == 0
    assert figures(last.folder) == figures(run(tmp_path, small_network()).folder)


def test_other_data_is_refused(tmp_path: Path) -> None:
    first = run(tmp_path, small_network(), stop_at=2)
    with pytest.raises(RunError, match="other images or labels"):
        run(first.folder, small_network(), data=noise_set(seed=1))


@pytest.mark.parametrize(
    "changed",
    [
        small_network(lr=0.5),
        small_network(seed=1),
        small_network(optimizer="sgd"),
        small_network(batch_size=4),
    ],
)
def test_another_recipe_ends_in_a_clear_error(changed: Network, tmp_path: Path) -> None:
    first = run(tmp_path, small_network(), stop_at=2)
    before = first.folder.metrics_file.read_bytes()
    again = run(first.folder, changed)
    assert again.events[-1].reason == "failed"
    assert "another architecture or recipe" in again.events[-1].message
    assert first.folder.metrics_file.read_bytes() == before


def test_another_numpy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(tmp_path, small_network(), stop_at=2)
    monkeypatch.setattr(np, "__version__", "9.9.9")
    (alert,) = run(first.folder, small_network()).only(Alert)
    assert alert.code == "numpy-changed" and "9.9.9" in alert.message


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name == "run-writer"] == []
