"""A training ended by a signal leaves a state from which it resumes."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from processes import Training, final_weights, network_file

from cnn_tui.engine.runs.folder import open_run

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_step_of_the_signal_is_kept(number: int, code: int, tmp_path: Path) -> None:
    runs = ("--runs-dir", tmp_path)
    training = Training("train", network_file(tmp_path), "--epochs", 100_000, *runs)
    training.wait_for("epoch_completed")
    training.process.send_signal(number)
    assert training.finish() == (code, "")
    last = training.events[-1]
    assert (last["event"], last["reason"]) == ("run_ended", "stopped")
    folder = open_run(tmp_path, training.events[0]["run"])
    assert np.array_equal(final_weights(folder)["step"], last["step"])
    assert not folder.lock_file.read_bytes()
    resumed = Training("resume", folder.name, *runs)
    assert resumed.wait_for("run_started")["from_step"] == last["step"]
    resumed.process.kill()
    resumed.finish()
