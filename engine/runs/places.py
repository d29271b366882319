"""Where runs live unless told otherwise."""

from __future__ import annotations

from pathlib import Path

from cnn_tui.engine.data.places import data_home


def runs_home() -> Path:
    """The folder of all runs of this user."""
    return data_home() / "runs"
