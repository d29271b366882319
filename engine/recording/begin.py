"""The first call, which loads the rest only when a training is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnn_tui.engine.recording.run import RecordedRun


def record(
    name: str = "run",
    *,
    config: Mapping[str, object] | object = None,
    runs_dir: str | Path | None = None,
) -> RecordedRun:
    """Record a training of any program as a run: in Runs, for ``watch``, ``compare``, ``export``.

    Never raises: if nothing can be written, one line on stderr says why, and training continues.

    Args:
        name: the name of the run; a number is added.
        config: the settings of the training, such as a dict, a dataclass or the result of
            ``argparse``; nested ones are flattened. Of these, ``arch``, ``data``, ``optimizer``,
            ``lr``, ``epochs``, ``batches`` (in an epoch), ``batch_size``, ``params``, ``seed`` and
            ``classes`` (a number, or their names) are shown where a run of cnn-tui has them.
        runs_dir: the folder of runs; by default the user's own.

    Returns:
        The run, which is a context manager; an exception that leaves it ends the run as failed.
    """
    from cnn_tui.engine.recording.run import RecordedRun

    return RecordedRun(name, config, None if runs_dir is None else Path(runs_dir))
