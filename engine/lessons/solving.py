"""Trains what a lesson's file gives as its solution, and judges it as a person's own work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.lessons.documents import JSON, events_json
from cnn_tui.engine.lessons.judging import Judgement, State, judge
from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.train import new_run, train_recorded
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEvent

Look = Callable[[RunFolder, str, str], JSON]
"""Computes the JSON of a view of Inspect on a run; the names are those of view and layer."""


def train_run(
    network: Network,
    root: Path,
    tell: Callable[[RunEvent], None] = lambda event: None,
    control: Control | None = None,
) -> RunFolder:
    """Train a network to its end, as a run in ``root``; one that diverges is a run as well.

    Raises:
        CnnTuiError: if it does not fit its data, or nothing can be written.
    """
    network, dataset, found = load_network_data(network, None)
    control = control or Control()
    with new_run(root, network, dataset, control=control, data_dir=found) as recorder:
        folder = RunFolder(Path(recorder.path))
        train_recorded(network, dataset, recorder, control, tell)
    return folder


def state_of_run(folder: RunFolder, look: Look, network: Network | None = None) -> State:
    """The state of the work after a run; its network is that of the run if there is no other."""
    return State(
        network or folder.network(),
        run=lambda: events_json(read_events(folder.events_file)),
        trained=folder.network,
        view=lambda view, layer: look(folder, view, layer),
    )


def judge_solutions(lesson: Lesson, root: Path, look: Look) -> Iterator[Judgement]:
    """Judge each network of the solution in turn, trained if the task needs it.

    Raises:
        CnnTuiError: if one cannot be trained.
    """
    kept: frozenset[int] = frozenset()
    for network in lesson.solutions:
        state = State(network)
        if lesson.trains:
            state = state_of_run(train_run(network, root), look)
        judgement = judge(lesson, state, kept)
        kept = judgement.kept
        yield judgement
