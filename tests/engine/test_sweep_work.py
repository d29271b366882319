"""A run of a trial that another worker has completed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sessions import Session, noise_set, small_network

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.sweeps.work import TrialJob, train_run
from cnn_tui.engine.training.control import Control

DATA = noise_set()


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A complete run."""
    return Session(tmp_path, small_network(), DATA).folder


def test_a_complete_run_is_taken_as_it_is(folder: RunFolder) -> None:
    before = folder.environment_file.read_bytes()
    network = folder.network()
    job = TrialJob(sweep="s", number=0, seed=0, run=folder.name, root="", token="", network=network)
    outcome = train_run(job, folder.path.parent, Control(), lambda figures: None, DATA)
    assert outcome.state == "completed" and [epoch for epoch, *_ in outcome.curve] == [1, 2, 3]
    assert folder.environment_file.read_bytes() == before
