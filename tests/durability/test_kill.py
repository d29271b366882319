"""SIGKILL at random moments of a real training, ``CNN_TUI_KILLS`` times."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import numpy as np
import pytest
from processes import Training, final_weights, network_file

from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.lock import writer_lives

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CNN_TUI_KILLS", "10"))


def kill_later(training: Training, seconds: float) -> None:
    threading.Timer(seconds, training.process.kill).start()


def check_readable(folder: RunFolder) -> None:
    folder.info()
    folder.network()
    assert not writer_lives(folder.lock_file, folder.summary_file)
    steps = [event.step for event in read_events(folder.metrics_file)]
    assert steps == list(range(1, len(steps) + 1))
    list(read_events(folder.events_file))


def test_no_moment_to_die_loses_anything(tmp_path: Path) -> None:
    rng = random.Random(7)
    network = network_file(tmp_path)
    here = ("--runs-dir", tmp_path, "--checkpoint-every", 7)
    undisturbed = Training("train", network, *here)
    path = undisturbed.wait_for("run_started")["path"]
    assert undisturbed.finish() == (0, "")
    expected = final_weights(RunFolder(Path(path)))

    kills = saved = 0
    command: tuple[object, ...] = ("train", network)
    while kills < KILLS or command[0] == "resume":
        training = Training(*command, *here)
        if kills < KILLS:
            # The start of the interpreter is a moment like any other, though one in four will do.
            early = rng.random() < 0.25
            if not early:
                started = training.wait_for("run_started")
                assert started["from_step"] >= saved
            kill_later(training, rng.uniform(0, 0.6))
            kills += 1
        code, err = training.finish()
        assert code in (0, -9), err
        reported = [e["step"] for e in training.events if e["event"] == "checkpoint_saved"]
        saved = max([saved, *reported])
        name = next((e["run"] for e in training.events if e["event"] == "run_started"), None)
        if code == 0:
            folder = open_run(tmp_path, name or command[1])
            found = final_weights(folder)
            assert found.keys() == expected.keys()
            assert all(np.array_equal(found[key], expected[key]) for key in expected)
            check_readable(folder)
            command, saved = ("train", network), 0
        elif command[0] == "train" and name is None:
            continue
        else:
            name = name or command[1]
            check_readable(open_run(tmp_path, name))
            command = ("resume", name)
