"""A run of another process, read from its folder and controlled through it, or a log.

Both happen on a thread: a file system may lag, and a trainer may take seconds to answer. The screen
polls the results, as it does with its own run.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.recording.logs import ForeignLog
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.follow import Follower
from cnn_tui.engine.runs.lock import writer_present
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.runs.requests import Request, send
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import RunEnded, RunStarted
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.run_view import RunView, view_of
from cnn_tui.tui.mailbox import Mailbox
from cnn_tui.tui.words import recipe_words

_PAUSE = 0.15
"""Seconds between two reads of the folder.

With a write of the trainer and a poll of the screen, each 0.25, charts are about half a second old.
"""


_BREATH = 0.02
"""Seconds between two parts of a long log, for the screen."""
_QUIET = 60.0
"""Seconds without anything new after which nothing is said to train any more."""


class Watched:
    """A run or a log that is followed from :meth:`start` to :meth:`close`."""

    def __init__(self, source: RunFolder | ForeignLog) -> None:
        self.source = source
        self.folder = source if isinstance(source, RunFolder) else None
        """The folder of the run; None for a log, which is only read."""
        self.board = Board()
        self.network: Network | None = None
        """The network with the recipe at the start, once it is read."""
        self.earlier: Board | None = None
        self.view = RunView()
        self.live = False
        """Whether a process was training it at the last read."""
        self.gone = ""
        """Why it can no longer be followed."""
        self.answers = deque[tuple[bool, str]]()
        """Whether a request was accepted, and the answer of the trainer."""
        self._mailbox = Mailbox()
        self._closing = threading.Event()

    def start(self) -> None:
        """Start reading."""
        self._follow = threading.Thread(target=self._read, name="follower", daemon=True)
        self._follow.start()

    def close(self) -> None:
        """Stop reading."""
        self._closing.set()

    @property
    def runs_dir(self) -> Path:
        """The folder that contains the run, or the user's own for a log."""
        return self.folder.home if self.folder else runs_home()

    @property
    def is_foreign(self) -> bool:
        """Whether another program trains it: then there is no network to resume or to look into."""
        return bool(self.board.started and self.board.started.program)

    @property
    def shown_network(self) -> Network | None:
        """The network with the present recipe; None before it is read."""
        network, settings = self.network, self.board.settings
        if network is None or settings is None:
            return None
        return msgspec.structs.replace(network, training=settings.in_recipe(network.training))

    def poll(self) -> None:
        """Update the board with the events read since the last call."""
        for event in self._mailbox.drain():
            if isinstance(event, RunStarted) and not event.from_step:
                # A new beginning: a resume cut the files, or another run began.
                training = self.network.training if self.network else None
                self.board = Board(settings=Settings.of(training) if training else None)
            self.board.apply(event)
        pausing, network = self.board.paused, self.shown_network
        view = view_of(
            self.board,
            active=self.live,
            pausing=pausing,
            stopping=False,
            recipe=recipe_words(network.training) if network else "",
            keep_best=bool(network and network.training.keep_best),
        )
        # No key applies a remedy from here; the words of the alert are in the log.
        self.view = self._with_reason(replace(view, remedy=""))

    def ask(self, command: Request) -> None:
        """Send a request; its result appears in :attr:`answers`."""
        if self.folder is not None:
            threading.Thread(target=partial(self._send, command, self.folder), daemon=True).start()

    def _read(self) -> None:
        try:
            if isinstance(self.source, RunFolder):
                self._read_run(self.source)
            else:
                self._read_log(self.source)
        except (CnnTuiError, OSError) as error:
            self.gone, self.live = str(error), False

    def _read_log(self, log: ForeignLog) -> None:
        grown = time.monotonic()
        while not self._closing.is_set():
            for event in log.poll():
                self._mailbox.put(event)
                grown = time.monotonic()
            self.live = time.monotonic() - grown < _QUIET
            self._closing.wait(_BREATH if log.behind else _PAUSE)

    def _read_run(self, folder: RunFolder) -> None:
        # A run whose network cannot be read is still followed.
        with suppress(CnnTuiError, OSError):
            self.network = folder.network()
        follower = Follower(folder)
        while not self._closing.is_set():
            # Checked first, so that events written before the end are still read below.
            live = writer_present(folder)
            for event in follower.poll():
                self._mailbox.put(event)
            self.live = live and not isinstance(follower.last, RunEnded)
            self._closing.wait(_PAUSE)

    def _send(self, command: Request, folder: RunFolder) -> None:
        try:
            self.answers.append((True, send(folder, command)))
        except (CnnTuiError, OSError) as error:
            self.answers.append((False, str(error)))

    def _with_reason(self, view: RunView) -> RunView:
        """Add the reason why the run does not continue, if no event says so."""
        if self.gone:
            return replace(view, state="gone", detail=self.gone)
        if self.board.started is None or self.live or self.board.ended:
            return view
        if self.folder is None:
            return replace(view, state="quiet", detail=f"nothing new for {_QUIET:.0f} s")
        step = f"{self.board.batch.step:,}" if self.board.batch else "0"
        resumes = "" if self.is_foreign else keyed("; {watch.resume} resumes")
        words = f"after step {step}: its process has ended{resumes}"
        log = (*view.log, (view.seconds, f"! crashed {words}"))
        return replace(view, state="crashed", detail=words, seconds_left=None, log=log)
