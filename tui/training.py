"""The run that this app trains, without a screen: its state, and what starts and controls it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.data.sources import FOLDER, OWN, SOURCES, holds, missing, within
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.engine.specs.known_data import letters
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import Alert, RunEvent
from cnn_tui.engine.training.glimpse import Glimpse
from cnn_tui.engine.training.settings import Settings
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.session import Refusal, Runner, Session, train
from cnn_tui.tui.words import recipe_words

if TYPE_CHECKING:
    from cnn_tui.engine.runs.folder import Reproduction, RunFolder
    from cnn_tui.tui.dashboard.board import Board
    from cnn_tui.tui.dashboard.run_view import RunView, Usage

_VERDICTS = ("same-bits", "other-bits", "compared")
"""Codes of the alerts at the end of a reproduced run."""


@dataclass(frozen=True)
class News:
    """The result of :meth:`Training.poll`."""

    changed: bool = False
    """Whether anything visible has changed."""
    verdicts: tuple[str, ...] = ()
    """How a reproduced run compares with the original."""
    refusal: Refusal | None = None
    """Why the run was not tried, if an answer may remove the reason."""
    trained: Trained | None = None
    """The weights of a run that has ended."""


class Training:
    """At most one run at a time, and the board of its events."""

    _usage: Usage

    def __init__(self, session: Session, places: Places) -> None:
        self.session, self.places = session, places
        self.earlier: Board | None = None
        """A run whose curves are drawn below those of the present one."""
        self._start_from: Trained | None = None
        self._ended: Trained | None = None
        """The weights of a run that has ended since the last :meth:`poll`."""
        self._used = ""
        self._observers: list[Callable[[Sequence[RunEvent]], None]] = []

    @cached_property
    def board(self) -> Board:
        """The state of the run."""
        # Imported late, here and below: Build is painted without the figures of a run.
        from cnn_tui.tui.dashboard.board import Board

        return Board()

    @cached_property
    def view(self) -> RunView:
        """What was to be shown of the run at the last :meth:`poll`."""
        return self._view()

    def subscribe(self, observer: Callable[[Sequence[RunEvent]], None]) -> None:
        """Call ``observer`` with the events of every run, in their order."""
        self._observers.append(observer)

    @property
    def active(self) -> bool:
        return self.session.active

    @property
    def steerable(self) -> bool:
        """Whether a run is active that has not been asked to stop."""
        return self.active and not self.session.stopping

    @property
    def runs_dir(self) -> Path:
        """The folder of this run, and of those that can be drawn beside it."""
        return self.places.runs

    @property
    def network(self) -> Network | None:
        """The network of the run with its present recipe; None without an active run."""
        return self.shown_network if self.active else None

    @property
    def shown_network(self) -> Network | None:
        """The network of the run that is shown, active or not, with its present recipe."""
        network = self.session.network
        settings = self.board.settings if network else None
        if network is None or settings is None:
            return None
        return msgspec.structs.replace(network, training=settings.in_recipe(network.training))

    def start(
        self, network: Network, start_from: Trained | None = None, *, ignore_memory: bool = False
    ) -> None:
        """Start a run with random weights, or from trained ones."""
        if self.board.train_loss.points():
            self.earlier = self.board
        self._start_from = start_from
        self._begin(network, self._runner(network, ignore_memory))

    def retry(self, network: Network, *, ignore_memory: bool) -> None:
        """Start a refused run again, from the same weights."""
        self.start(network, self._start_from, ignore_memory=ignore_memory)

    def resume(self, folder: RunFolder, network: Network, from_step: int | None) -> None:
        """Resume a run of the history."""
        from cnn_tui.tui.history.continuing import resume_here

        self._begin(network, partial(resume_here, folder=folder, from_step=from_step))

    def reproduce(self, folder: RunFolder, network: Network, again: Reproduction) -> None:
        """Train a run of the history again."""
        from cnn_tui.tui.history.continuing import reproduce_here

        self._begin(network, partial(reproduce_here, folder=folder, again=again))

    def clear(self) -> None:
        """Forget the run that has ended: no curves, no remedies, nothing to look into."""
        from cnn_tui.tui.dashboard.board import Board

        self._apply_events()
        self.board, self.earlier = Board(), None
        self._start_from = self._ended = None
        self.session.network, self._used = None, ""
        self.view = self._view()

    def glimpse(self) -> Glimpse | None:
        """The weights of the run between two steps; None until they are there, or without a run.

        To be called on a timer while they are shown: each call asks for the next ones.
        """
        return self.session.glimpse()

    def dismiss(self, alert: Alert) -> None:
        """Remove an alert whose remedy was applied."""
        self.board.standing.pop((alert.code, alert.layer), None)

    async def stop(self, *, keep: bool = True) -> None:
        """Stop the run after the current batch, and wait until it has ended."""
        self.session.stop(keep=keep)
        while self.active:
            await asyncio.sleep(0.02)
        self._apply_events()

    async def hand_on(self) -> RunFolder | None:
        """Continue the run in another process, from a checkpoint; None if it has just ended.

        Raises:
            RunError: The other process cannot train it; the run is stopped at its checkpoint.
        """
        from cnn_tui.tui.history.continuing import resume_detached, wait_until_running

        await self.stop()
        kept = self.board.kept
        if kept is None or not self.board.stopped:
            return None
        await wait_until_running(resume_detached(kept), kept)
        self.board.handed_on = True
        return kept

    @property
    def handed_on(self) -> RunFolder | None:
        """The run that another process took over, while it trains."""
        from cnn_tui.engine.runs.lock import writer_lives

        kept = self.board.kept if self.board.handed_on else None
        return kept if kept and writer_lives(kept.lock_file, kept.summary_file) else None

    def poll(self) -> News:
        """Update the board with the events since the last call."""
        events = self._apply_events()
        if events:
            self._used = self._usage.text()
        before, self.view = self.view, self._view()
        trained, self._ended = self._ended, None
        return News(
            changed=bool(events) or self.view != before,
            verdicts=tuple(
                event.message
                for event in events
                if isinstance(event, Alert) and event.code in _VERDICTS
            ),
            refusal=self.session.take_refusal(),
            trained=trained,
        )

    def stopped_run(self) -> RunFolder | None:
        """Return the folder of a stopped run that another process can resume."""
        if self.active:
            return None
        self._apply_events()
        return self.board.kept if self.board.stopped and not self.board.handed_on else None

    def _apply_events(self) -> tuple[RunEvent, ...]:
        events = self.session.drain()
        for event in events:
            self.board.apply(event)
        for observer in self._observers if events else ():
            observer(events)
        kept, ended, network = self.board.kept, self.board.ended, self.session.network
        if events and kept and ended and ended.reason != "failed" and network:
            self._ended = Trained(kept, network)
        return events

    def _begin(self, network: Network, runner: Runner | None) -> None:
        from cnn_tui.tui.dashboard.board import Board
        from cnn_tui.tui.dashboard.run_view import Usage

        # Before the mailbox of the ended run is replaced.
        self._apply_events()
        self.board, self._usage = Board(settings=Settings.of(network.training)), Usage()
        self.session.start(network, runner)

    def _runner(self, network: Network, ignore_memory: bool) -> Runner | None:
        """Return what trains the run; None for the session's own."""
        trained = self._start_from
        if trained is None and not ignore_memory and not self.places.skip_damaged:
            return None
        start = partial(trained.weights, network) if trained else None
        return partial(
            train,
            data_dir=self.places.data_of(network.data),
            runs_dir=self.places.runs,
            start=start,
            skip_damaged=self.places.skip_damaged,
            anyway=ignore_memory,
        )

    def _view(self) -> RunView:
        from cnn_tui.tui.dashboard.run_view import view_of

        network = self.shown_network
        return view_of(
            self.board,
            active=self.active,
            pausing=self.session.paused,
            stopping=self.session.stopping,
            preparation=self.session.preparation,
            usage=self._used,
            recipe=recipe_words(network.training) if network else "",
            keep_best=bool(network and network.training.keep_best),
        )


@dataclass
class Places:
    """The folders named on the command line or given in the app, or the user's own."""

    runs: Path = field(default_factory=runs_home)
    data: Path | None = None
    """The folder of data that was named on the command line."""
    given: dict[str, Path] = field(default_factory=dict)
    """Folders given in the app, by the name of their dataset."""
    watched: RunFolder | None = None
    """The run that was watched or played last, into which Inspect looks if none was trained."""
    skip_damaged: bool = False
    """Whether damaged pictures are left out, as the person has answered."""

    def data_of(self, name: str) -> Path | None:
        """Return the folder of a dataset; None if it is built in, a path, or at its usual place.

        The folder of the command line serves every dataset, unless it holds another one.
        """
        known = next((key for key in (*SOURCES, *OWN) if letters(key) == letters(name)), "")
        if not known or known in self.given or self.data is None:
            return self.given.get(known)
        others = [key for key in SOURCES if key != known and holds(key, self.data)]
        is_here = known in SOURCES and holds(known, within(known, self.data))
        return None if others and not is_here else self.data

    def learn(self, name: str, recorded: str) -> None:
        """Find a dataset where a run had it, if it is still there and would be missing here."""
        known = FOLDER if letters(name) == FOLDER else self.lacks(name)
        if known and recorded and Path(recorded).exists():
            self.given[known] = Path(recorded)

    def lacks(self, name: str) -> str | None:
        """Return the dataset that has to be downloaded or whose folder has to be given."""
        return missing(name, self.data_of(name))
