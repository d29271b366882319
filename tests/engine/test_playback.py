"""A recorded run, read to be played: a folder or a file of events, whole, cut off or damaged."""

from __future__ import annotations

import json
import re
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.insight.confusion import confusion
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import BACKLOG
from cnn_tui.engine.runs.names import DEMO_RUN, RUNS_VARIABLE
from cnn_tui.engine.runs.playback import read_playback
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunStarted, SettingChanged

DEMO = RunFolder(DEMO_RUN)
EVENTS = DEMO.events_file.read_text().splitlines(keepends=True)
STEPS = DEMO.metrics_file.read_text().splitlines(keepends=True)


def test_the_demo_is_small_and_says_nothing_of_the_machine_that_trained_it() -> None:
    files = sorted(DEMO_RUN.iterdir())
    assert {file.name for file in files} == {
        "best.safetensors", "events.jsonl", "metrics.jsonl", "network.toml", "run.json",
    }  # fmt: skip
    assert sum(len(zlib.compress(file.read_bytes())) for file in files) < 300_000
    text = "".join(file.read_text() for file in files if file.suffix != ".safetensors")
    assert '"path":""' in text and not re.search(r'"/|checkpoint_saved', text)


def test_the_demo_is_played_from_its_start_to_its_end() -> None:
    demo = read_playback(DEMO_RUN)
    events = [moment.event for moment in demo.moments]
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunEnded)
    assert demo.whole and 20 < demo.seconds < 30
    assert len([event for event in events if isinstance(event, BatchCompleted)]) == len(STEPS)
    assert [event.name for event in events if isinstance(event, SettingChanged)] == ["lr"]
    times = [moment.seconds for moment in demo.moments]
    assert times == sorted(times)


def test_the_weights_of_the_demo_are_those_of_its_figures() -> None:
    ended = read_playback(DEMO_RUN).moments[-1].event
    assert isinstance(ended, RunEnded) and ended.best_val_accuracy is not None
    with closing(Subject.of_run(DEMO)) as subject:
        found = confusion(subject).accuracy
    assert found == pytest.approx(ended.best_val_accuracy, abs=0.003)


def test_runs_made_of_the_demo_are_kept_with_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNS_VARIABLE, str(tmp_path))
    assert DEMO.home == tmp_path
    assert RunFolder(tmp_path / "other" / "a-1").home == tmp_path / "other"


def test_printed_events_are_played_up_to_where_they_are_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(EVENTS[0] + "".join(STEPS[:10]) + STEPS[10][:40])
    cut = read_playback(file)
    assert not cut.whole and cut.folder is None and cut.name == "run.jsonl"
    assert len(cut.moments) == 11
    assert cut.seconds == json.loads(STEPS[9])["seconds"]


def test_of_two_runs_in_one_file_the_last_is_played(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(EVENTS[0] + "".join(STEPS[:10]) + EVENTS[0] + STEPS[0] + EVENTS[-1])
    assert len(read_playback(file).moments) == 3


def test_a_long_file_is_thinned(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(EVENTS[0] + "".join(STEPS) * 6 + EVENTS[-1])
    played = read_playback(file)
    assert BACKLOG < len(played.moments) < 2 * BACKLOG + 10 and played.whole


@pytest.mark.parametrize(
    "content",
    ["", "{}\n", "not json\n", "\x00\xff\n", "".join(STEPS[:5]), EVENTS[-1], EVENTS[0][:99]],
    ids=["empty", "object", "words", "bytes", "no-start", "end-only", "cut-off-start"],
)
def test_what_has_no_start_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(content)
    with pytest.raises(RunError, match="does not have the start of a run") as refused:
        read_playback(file)
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        read_playback(tmp_path)
