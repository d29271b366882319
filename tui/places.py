"""Where this app keeps runs and reads data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cnn_tui.engine.runs.names import runs_home


@dataclass
class Places:
    """The folders that were named on the command line, or the user's own."""

    runs: Path = field(default_factory=runs_home)
    data: Path | None = None
    """The folder of data that is not built in; None for where each dataset usually is."""
