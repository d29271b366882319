"""Another process's run as this app sees it: read from its folder, steered through its folder.

Both happen on a thread of their own: a file system may lag, and a trainer may take seconds to
answer. The screen takes what they leave, as it does with a run of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.lock import writer_present
from cnn_tui.engine.runs.requests import Request, send
from cnn_tui.engine.training.events import RunEnded, RunStarted
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.run_view import RunView, view_of
from cnn_tui.tui.mailbox import Mailbox

_PAUSE = 0.5
"""Seconds between looks into the folder."""


class Watched:
    """One run that is followed from :meth:`start` to :meth:`close`."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.board = Board()
        self.earlier: Board | None = None
        self.view = RunView()
        self.live = False
        """Whether somebody trains it, as of the last look."""
        self.gone = ""
        """Why it cannot be followed any more."""
        self.answers = deque[tuple[bool, str]]()
        """Whether a request was accepted, and the trainer's words."""
        self._mailbox = Mailbox()
        self._closing = threading.Event()

    def start(self) -> None:
        """Begin to read."""
        self._follow = threading.Thread(target=self._read, name="follower", daemon=True)
        self._follow.start()

    def close(self) -> None:
        """Read no more."""
        self._closing.set()

    @property
    def runs_dir(self) -> Path:
        """The folder that the run is in."""
        return self.folder.path.parent

    def take_news(self) -> None:
        """Fold what was read since the last time into the board."""
        for event in self._mailbox.drain():
            if isinstance(event, RunStarted) and not event.from_step:
                # Told anew: the files were cut, as a resume does it, or another run began.
                self.board = Board()
            self.board.fold(event)
        pausing = self.board.paused
        view = view_of(self.board, active=self.live, pausing=pausing, stopping=False)
        self.view = self._in_words(view)

    def ask(self, command: Request) -> None:
        """Leave a request; the answer is among :attr:`answers` later."""
        threading.Thread(target=partial(self._send, command), daemon=True).start()

    def _read(self) -> None:
        follower = Follower(self.folder)
        while not self._closing.is_set():
            # Asked first: what was written before the end is then read below.
            live = writer_present(self.folder)
            try:
                for event in follower.poll():
                    self._mailbox.put(event)
            except (CnnTuiError, OSError) as error:
                self.gone, self.live = str(error), False
                return
            self.live = live and not isinstance(follower.last, RunEnded)
            self._closing.wait(_PAUSE)

    def _send(self, command: Request) -> None:
        try:
            self.answers.append((True, send(self.folder, command)))
        except (CnnTuiError, OSError) as error:
            self.answers.append((False, str(error)))

    def _in_words(self, view: RunView) -> RunView:
        """The state with the reason why the run does not continue, if no event says so."""
        if self.gone:
            return replace(view, state="gone", detail=self.gone)
        if self.board.started is None or self.live or self.board.ended:
            return view
        step = f"{self.board.batch.step:,}" if self.board.batch else "0"
        words = f"after step {step}: its process is gone; R goes on"
        log = (*view.log, (view.seconds, f"! crashed {words}"))
        return replace(view, state="crashed", detail=words, seconds_left=None, log=log)
