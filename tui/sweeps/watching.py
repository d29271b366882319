"""A sweep of any process, followed from its folder on a thread."""

from __future__ import annotations

import threading

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.sweeps.folder import SweepFolder
from cnn_tui.engine.sweeps.state import SweepFollower, SweepState
from cnn_tui.tui.threads import readable

_PAUSE = 0.4
"""Seconds between two reads of the folder."""


class WatchedSweep:
    """A sweep that is followed from :meth:`start` to :meth:`close`."""

    def __init__(self, folder: SweepFolder) -> None:
        self.folder = folder
        self.state: SweepState | None = None
        """What was read last; None before the first time."""
        self.gone = ""
        """Why it can no longer be followed."""
        self._closing = threading.Event()
        self._follower = SweepFollower(folder)

    def start(self) -> None:
        """Go on reading on a thread."""
        threading.Thread(target=self._follow, name="sweep-follower", daemon=True).start()

    def close(self) -> None:
        """Stop reading."""
        self._closing.set()

    def read(self) -> None:
        """Read what is new."""
        try:
            self.state = self._follower.poll()
        except (CnnTuiError, OSError) as error:
            self.gone = str(readable(error))

    def _follow(self) -> None:
        while not self._closing.wait(_PAUSE) and not self.gone:
            self.read()
