"""Weights kept as a run: complete or absent, and trainable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faulty import KINDS, FaultyStorage, noise, tiny

from cnn_tui.engine.errors import RunError, ShapeError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.runs.keep_weights import keep_weights
from cnn_tui.engine.runs.train import new_run, resume_run
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEnded, RunEvent
from cnn_tui.engine.training.trainer import Trainer


@pytest.fixture
def trained(tmp_path: Path) -> RunFolder:
    data, network, control = noise(), tiny(), Control()
    with new_run(tmp_path / "runs", network, data, control=control) as recorder:
        Trainer(network, data, emit=recorder.record, control=control, checkpointer=recorder).run()
        return RunFolder(Path(recorder.path))


def test_a_kept_run_holds_the_weights_and_what_is_needed_to_use_them(trained: RunFolder) -> None:
    state = read_state(trained)
    kept = read_state(keep_weights(state.network, state.weights, trained))
    assert kept.weights.keys() == state.weights.keys()
    for name, array in kept.weights.items():
        np.testing.assert_array_equal(array, state.weights[name])
    assert (kept.classes, kept.peak) == (state.classes, state.peak)
    np.testing.assert_array_equal(kept.normalizer.mean, state.normalizer.mean)


def test_a_kept_run_is_resumed_from_its_weights(trained: RunFolder) -> None:
    state = read_state(trained)
    folder = keep_weights(state.network, state.weights, trained, "of another")
    entry = read_entry(folder)
    assert entry
    assert (entry.state, entry.note, entry.summary.step) == ("stopped", "of another", 0)
    control, events = Control(), list[RunEvent]()
    with resume_run(folder, folder.network(), noise(), control=control) as recorder:

        def tell(event: RunEvent) -> None:
            events.append(event)
            recorder.record(event)

        trainer = Trainer(
            folder.network(), noise(), emit=tell, control=control, checkpointer=recorder
        )
        control.stop()
        trainer.run()
    assert isinstance(events[-1], RunEnded)
    for name, array in read_state(folder, "last").weights.items():
        np.testing.assert_array_equal(array, state.weights[name])


def test_weights_of_another_network_are_refused_and_leave_nothing(trained: RunFolder) -> None:
    before = set(trained.path.parent.iterdir())
    with pytest.raises(ShapeError, match="no weights for conv1"):
        keep_weights(trained.network(), {}, trained)
    assert set(trained.path.parent.iterdir()) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_at_any_moment_leaves_no_half_a_run(
    kind: str, trained: RunFolder
) -> None:
    state = read_state(trained)
    sound = FaultyStorage()
    keep_weights(state.network, state.weights, trained, storage=sound)
    before = set(trained.path.parent.iterdir())
    for number in range(sound.calls[kind]):
        storage = FaultyStorage(kind, range(number, number + 1))
        try:
            keep_weights(state.network, state.weights, trained, storage=storage)
        except RunError:
            assert set(trained.path.parent.iterdir()) == before
        else:
            (new,) = set(trained.path.parent.iterdir()) - before
            read_state(RunFolder(new))
            before.add(new)
