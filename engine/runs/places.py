"""Where runs live unless told otherwise."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def runs_home() -> Path:
    """The folder of all runs of this user (``XDG_DATA_HOME`` moves it)."""
    return platformdirs.user_data_path("cnn-tui", appauthor=False) / "runs"
