"""Runs of a plain lesson: to train one, and to look into one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.lessons.documents import JSON, as_json
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.runs.train import new_run
from cnn_tui.engine.runs.watcher import NOBODY
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.cli.headless import train
from cnn_tui.tui.cli.output import print_line
from cnn_tui.tui.cli.reporters import LOG_EVERY, Reporter
from cnn_tui.tui.inspect.canvas import Canvas, Seen, Wanted
from cnn_tui.tui.inspect.table import view_named

_COLUMNS = 72


def train_and_tell(network: Network, root: Path) -> tuple[RunFolder, int]:
    """Train a network as a run in ``root``, with a line for each epoch; also one that fails.

    Returns:
        The run, and the exit code of a signal that stopped it, or 0.

    Raises:
        CnnTuiError: if it cannot begin.
    """
    report = check_with_data(network)
    if not report.valid:
        raise CnnTuiError(report.issues[0].message)
    network, dataset, found = load_network_data(network, None)
    kept: list[RunFolder] = []

    def keep(control: Control) -> Recorder:
        recorder = new_run(root, network, dataset, control=control, data_dir=found)
        kept.append(RunFolder(Path(recorder.path)))
        return recorder

    try:
        code = train(network, dataset, Reporter(LOG_EVERY), keep=keep)
    except CnnTuiError as error:
        if not kept:
            raise
        print_line(str(error))
        code = 0
    return kept[0], code


def look(folder: RunFolder, view: str, layer: str = "") -> JSON:
    """The JSON of a view of Inspect on a run.

    Raises:
        CnnTuiError: if it cannot be computed.
    """
    return as_json(_seen(folder, view, layer).to_json())


def look_and_tell(folder: RunFolder, view: str, layer: str = "") -> JSON:
    """Look as :func:`look` does, and print the view as text."""
    seen = _seen(folder, view, layer)
    for line in seen.drawn(Canvas(_COLUMNS, None, "ascii")).lines:
        print_line("".join(text for text, *_ in line).rstrip())
    for sentence in seen.said:
        print_line(sentence)
    return as_json(seen.to_json())


def _seen(folder: RunFolder, view: str, layer: str) -> Seen:
    row = view_named(view)
    assert row is not None, view
    with closing(Subject.of_run(folder, threads=default_threads())) as subject:
        if "data" in row.takes:
            subject.require_data()
        wanted = Wanted(layer=layer, folder=folder)
        return row.compute(subject, wanted, NOBODY)
