"""What each process of a local cluster does first; Dask imports this by its name."""

from __future__ import annotations

import signal

# All that a run needs, while the cluster begins: else the first run of each worker waits for it.
import cnn_tui.engine.sweeps.worker  # noqa: F401


def dask_setup(worker: object) -> None:
    """Leave an interrupt from the terminal, which reaches every process, to the coordinator."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
