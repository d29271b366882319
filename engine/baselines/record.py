"""What became of a baseline, kept in the folder of its run: the history is what resumes it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cnn_tui.engine.baselines.recipes import Baseline
from cnn_tui.engine.baselines.screens import Metric
from cnn_tui.engine.baselines.validation import CrossValidation
from cnn_tui.engine.decoding import (
    Count,
    Figure,
    PathText,
    RunNameOrNone,
    Seconds,
    Share,
    Text,
    UnreadableError,
    decode,
    encode,
)
from cnn_tui.engine.files import is_regular, read_file
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.storage import Storage, replace_file

_FILE, _MOST = "baseline.json", 1 << 20


class BaselineResult(msgspec.Struct, frozen=True, kw_only=True):
    """One baseline, done: a line of ``baselines --json``."""

    baseline: Baseline
    data: PathText
    test_accuracy: Share
    train_seconds: Seconds
    """0 for k-NN, which only stores the images."""
    predict_ms_per_image: Figure
    params: Count
    """Learned numbers; 0 for k-NN."""
    train_images: Count
    test_images: Count
    epochs: Count | None = None
    seed: Count | None = None
    threads: Count
    k: Count | None = None
    metric: Metric | None = None
    cross_validation: CrossValidation | None = None
    """Where k was chosen so."""
    run: RunNameOrNone = ""
    """Its name in the history."""
    done_before: bool = False
    """Whether nothing had to be computed this time."""


class BaselineRecord(msgspec.Struct, frozen=True):
    """``baseline.json`` of a run: what it is for, and the result once there is one."""

    key: Text
    rung: BaselineResult | None = None


def find(root: Path, key: str) -> tuple[RunFolder, BaselineRecord] | None:
    """The run of this key, one with a result if there is any."""
    found = None
    for name in sorted(run_names(root)):
        record = _read(root / name / _FILE)
        if record is not None and record.key == key and is_regular(root / name / "run.json"):
            found = RunFolder(root / name), record
            if record.rung is not None:
                break
    return found


def write(folder: RunFolder, record: BaselineRecord) -> None:
    """Put the record into the folder of its run.

    Raises:
        OSError: if it cannot be written.
    """
    replace_file(Storage(), folder.path / _FILE, [encode(record)])


def _read(path: Path) -> BaselineRecord | None:
    try:
        return decode(read_file(path, _MOST), BaselineRecord)
    except (OSError, UnreadableError):
        return None
