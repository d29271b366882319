"""A recorded run that is played by a clock: the source of the screen of ``cnn-tui --demo``."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.runs.playback import Playback
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.run_view import RunView, view_of
from cnn_tui.tui.words import recipe_words

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0)
"""Speeds that the keys choose; an option may give any other."""
REST = 6.0
"""Seconds for which the end stands before a loop begins again."""


class Player:
    """Plays a run; :meth:`poll` brings the board to the present moment."""

    def __init__(
        self,
        playback: Playback,
        speed: float = 1.0,
        *,
        loop: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.playback, self.speed, self.loop = playback, speed, loop
        self.paused = False
        self.earlier: Board | None = None
        self._network: Network | None = None
        if playback.folder is not None:
            # A run whose network cannot be read is still played.
            with suppress(CnnTuiError, OSError):
                self._network = playback.folder.network()
        self._clock = clock
        self.restart()

    @property
    def runs_dir(self) -> Path:
        """The folder of the runs that can be drawn as well."""
        return self.playback.folder.home if self.playback.folder else runs_home()

    @property
    def over(self) -> bool:
        """Whether everything was played."""
        return self._next == len(self.playback.moments)

    def restart(self) -> None:
        """Play from the start."""
        training = self._network.training if self._network else None
        self.board = Board(settings=Settings.of(training) if training else None)
        self._next, self._at, self._then = 0, 0.0, self._clock()
        self.paused = False
        self.poll()

    def toggle(self) -> None:
        """Pause or play on; at the end play again."""
        if self.over:
            self.restart()
        else:
            self.paused = not self.paused

    def next_speed(self, by: int) -> float | None:
        """The next faster speed, or slower if ``by`` is negative; None if there is none."""
        if by > 0:
            return min((speed for speed in SPEEDS if speed > self.speed), default=None)
        return max((speed for speed in SPEEDS if speed < self.speed), default=None)

    def poll(self) -> None:
        """Apply the events that have become due since the last call."""
        now, moments = self._clock(), self.playback.moments
        if not self.paused:
            self._at += (now - self._then) * self.speed
        self._then = now
        while not self.over and moments[self._next].seconds <= self._at:
            self.board.apply(moments[self._next].event)
            self._next += 1
        if self.over and self.loop and self._at - self.playback.seconds > REST * self.speed:
            self.restart()
        self.view = self._view()

    def _view(self) -> RunView:
        network, settings = self._network, self.board.settings
        recipe = settings.in_recipe(network.training) if network and settings else None
        view = view_of(
            self.board,
            active=True,
            pausing=False,
            stopping=False,
            recipe=recipe_words(recipe) if recipe else "",
            keep_best=bool(recipe and recipe.keep_best),
        )
        view = replace(view, remedy="")  # there is nothing to mend here
        if self.over:
            detail = view.detail if self.playback.whole else "the end of the recording is missing"
            return replace(view, state="played", detail=detail, seconds_left=None)
        if self.paused:
            return replace(
                view, state="demo paused", detail=keyed("{demo.pause-play-demo} plays on")
            )
        return replace(view, state="demo", detail=f"a recorded run at {self.speed:g}x speed")
