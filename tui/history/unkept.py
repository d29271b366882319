"""What is said of a run whose end could not be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnn_tui.engine.errors import RunError

if TYPE_CHECKING:
    from cnn_tui.engine.runs.recorder import Recorder


def require_kept(recorder: Recorder | None) -> None:
    """Raise ``RunError`` if the end of a run, its last state with it, did not reach the disk.

    To be called once the recorder is closed.
    """
    if recorder is not None and recorder.unwritten:
        raise RunError(
            f"The end of the run {recorder.run} could not be written: {recorder.unwritten}. "
            "Others may take it for crashed.",
            f"Mend that; cnn-tui resume {recorder.run} then goes on from its last checkpoint.",
        )
