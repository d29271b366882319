"""Results of baselines, each in the folder of its run, so that the suite can resume."""

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
    """The result of one baseline: a line of ``baselines --json``."""

    baseline: Baseline
    data: PathText
    test_accuracy: Share
    train_seconds: Seconds
    """0 for k-NN, which only stores the images."""
    predict_ms_per_image: Figure
    params: Count
    """Learned parameters; 0 for k-NN."""
    train_images: Count
    test_images: Count
    epochs: Count | None = None
    seed: Count | None = None
    threads: Count
    k: Count | None = None
    metric: Metric | None = None
    cross_validation: CrossValidation | None = None
    """Scores of every k, if k was chosen by cross-validation."""
    run: RunNameOrNone = ""
    """Name of its run."""
    done_before: bool = False
    """Whether the result comes from an earlier call."""


class BaselineRecord(msgspec.Struct, frozen=True):
    """``baseline.json``: the key of a baseline and its data, and the result once it exists."""

    key: Text
    rung: BaselineResult | None = None


def find(root: Path, key: str) -> tuple[RunFolder, BaselineRecord] | None:
    """The run of this key, preferably one with a result; None if there is none."""
    match = None
    for name in sorted(run_names(root)):
        record = _read(root / name / _FILE)
        if record is not None and record.key == key and is_regular(root / name / "run.json"):
            match = RunFolder(root / name), record
            if record.rung is not None:
                break
    return match


def write(folder: RunFolder, record: BaselineRecord) -> None:
    """Write the record to the folder of its run.

    Raises:
        OSError: if it cannot be written.
    """
    replace_file(Storage(), folder.path / _FILE, [encode(record)])


def _read(path: Path) -> BaselineRecord | None:
    try:
        return decode(read_file(path, _MOST), BaselineRecord)
    except (OSError, UnreadableError):
        return None
