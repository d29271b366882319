"""Where a network comes from that is looked into, and what was found in it so far."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Protocol

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Seen, Wanted
from cnn_tui.tui.inspect.table import View
from cnn_tui.tui.training import Training

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_WAIT = 0.02
"""Seconds between two questions to the trainer."""
_KEPT = 32
"""Results that are kept."""
_SUBJECTS = 4
"""States of the network that are kept."""


class Source(Protocol):
    """A network at several times of its training."""

    @property
    def name(self) -> str:
        """The run's name."""

    @property
    def folder(self) -> RunFolder | None:
        """The folder of the run, if there is one."""

    @property
    def live(self) -> bool:
        """Whether the network changes: then no finding is kept."""

    def states(self) -> Sequence[str]:
        """Return the states in their order; empty for a network that has only one."""

    def subject(self, state: str) -> Subject:
        """Read one; the best, or the present one, if ``state`` is empty."""


@dataclass(frozen=True)
class SavedSource:
    """A run of the list, or a checkpoint of one."""

    folder: RunFolder
    data: str | None = None
    data_dir: Path | None = None
    live: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.folder.name

    def with_data(self, answer: str) -> SavedSource:
        """Return the run with the data of a folder, which may be its own in another place."""
        path = Path(answer).expanduser()
        if path.is_dir() and self.folder.info().data not in ("folder", "npz"):
            return replace(self, data=None, data_dir=path)
        return replace(self, data=answer, data_dir=None)

    def states(self) -> Sequence[str]:
        from cnn_tui.engine.insight.states import UNTRAINED, states_over_time

        return [UNTRAINED, *(str(state.step) for state in states_over_time(self.folder))]

    def subject(self, state: str) -> Subject:
        """Read a state; the untrained one of a run that has written none yet."""
        from cnn_tui.engine.cores import default_threads
        from cnn_tui.engine.insight.states import BEST, UNTRAINED, written_states
        from cnn_tui.engine.insight.subject import Subject

        state = state or (BEST if written_states(self.folder) else UNTRAINED)
        return Subject.of_run(self.folder, state, self.data, self.data_dir, default_threads())


@dataclass(frozen=True)
class LiveSource:
    """The run that this app trains."""

    training: Training
    live: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.folder.name if self.folder else "this run"

    @property
    def folder(self) -> RunFolder | None:
        return self.training.board.kept

    def states(self) -> Sequence[str]:
        return ()

    def subject(self, state: str) -> Subject:
        """Wait for a copy of the weights, which the trainer makes between two steps.

        Raises:
            InsightError: if the run ends before.
        """
        from cnn_tui.engine.insight.subject import Subject

        while self.training.active:
            glimpse = self.training.glimpse()
            if glimpse:
                return Subject.of_snapshot(glimpse, self.name)
            time.sleep(_WAIT)
        raise InsightError("The run has ended.")


@dataclass(frozen=True)
class Surroundings:
    """The facts about a network that a screen needs to move within it."""

    name: str
    state: str
    states: Sequence[str]
    at: int
    """The place of the state among them."""
    convs: Sequence[str]
    windowed: Sequence[str]
    """Convolutions and pools."""
    layers: Sequence[str]
    weighted: Sequence[str]
    """Convolutions and fully connected layers."""
    first: str
    """The layer with the responses of the first convolution, or the first of all."""
    last: str
    """The convolution with which a view that looks from the end begins; empty if there is none."""
    images: int
    """Images of the validation split; 0 without data."""
    classes: Sequence[str]
    input_size: tuple[int, int]
    """Height and width of the network's input."""


@dataclass(frozen=True)
class Finding:
    """The answer of a view, with what is known about the network."""

    seen: Seen
    facts: Surroundings
    seconds: float
    """The time that the computation took."""


class Inspector:
    """Reads a source and keeps what was found; one view is computed at a time."""

    def __init__(self, find: Callable[[], Source]) -> None:
        """``find`` is called on the thread of the first computation; it may read the disk."""
        self._find = find
        self._one = Lock()
        self._subjects: OrderedDict[str, Subject] = OrderedDict()
        self._found: OrderedDict[tuple[str, str, Wanted], Finding] = OrderedDict()
        self.source: Source | None = None
        self.facts: Surroundings | None = None

    def known(self, view: View, state: str, wanted: Wanted) -> Finding | None:
        """Return what was found before."""
        return self._found.get((view.name, state, _needed(view, wanted)))

    def look(
        self,
        view: View,
        state: str,
        wanted: Wanted,
        watcher: Watcher,
        *,
        fresh: bool = False,
    ) -> Finding | None:
        """Compute a view on the caller's thread; None if it was cancelled.

        ``fresh`` asks a run that trains for its present weights.

        Raises:
            CnnTuiError: if there is nothing to show; a sentence that says why.
        """
        needed = _needed(view, wanted)
        with self._one:
            if watcher.cancelled():
                return None
            if self.source is None:
                self.source = self._find()
            subject = self._subject(self.source, state, fresh)
            self.facts = facts = _facts(self.source, subject)
            if "data" in view.takes:
                subject.require_data()
            asked, began = replace(needed, folder=self.source.folder), time.monotonic()
            seen = view.compute(subject, asked, watcher)
            found = Finding(seen, facts, time.monotonic() - began)
            if watcher.cancelled():
                return None
            if not self.source.live:
                self._keep((view.name, state, needed), found)
        return found

    def keep(self, state: str, wanted: Wanted) -> RunFolder:
        """Keep the network without the chosen filters as a new run.

        Raises:
            CnnTuiError: if it cannot be kept; a sentence that says why.
        """
        from cnn_tui.tui.inspect.ablate import keep

        with self._one:
            if self.source is None:
                self.source = self._find()
            asked = replace(wanted, folder=self.source.folder)
            return keep(self._subject(self.source, state, fresh=False), asked)

    def close(self) -> None:
        """End the threads of the networks."""
        with self._one:
            while self._subjects:
                self._subjects.popitem()[1].close()

    def _keep(self, key: tuple[str, str, Wanted], found: Finding) -> None:
        self._found[key] = found
        while len(self._found) > _KEPT:
            self._found.popitem(last=False)

    def _subject(self, source: Source, state: str, fresh: bool) -> Subject:
        if state not in self._subjects or (source.live and fresh):
            subject = source.subject(state)
            while len(self._subjects) >= (1 if source.live else _SUBJECTS):
                self._subjects.popitem(last=False)[1].close()
            self._subjects[state] = subject
        return self._subjects[state]


def _facts(source: Source, subject: Subject) -> Surroundings:
    from cnn_tui.engine.insight.grad_cam import last_conv_of
    from cnn_tui.engine.insight.maps import first_layer_of
    from cnn_tui.engine.insight.subject import CONVS

    data, states = subject.data, source.states()
    convs = [name for name, layer in subject.reports.items() if layer.type in CONVS]
    here = (at for at, name in enumerate(states) if _is_state(name, subject.state))
    return Surroundings(
        source.name,
        subject.state,
        states,
        next(here, 0),
        convs,
        [name for name, layer in subject.reports.items() if layer.type in _WINDOWED],
        subject.layers,
        _weighted(subject),
        first_layer_of(subject),
        last_conv_of(subject) if convs else "",
        0 if isinstance(data, str) else len(data.val),
        subject.classes,
        subject.network.input[1:],
    )


def _weighted(subject: Subject) -> Sequence[str]:
    parameters = subject.model.parameters.items()
    return [name.removesuffix(".weight") for name, one in parameters if one.role == "weight"]


def _is_state(name: str, words: str) -> bool:
    return name == words or (name.isdecimal() and words.endswith(f"step {int(name):,}"))


_WINDOWED = ("conv", "dwconv", "maxpool", "avgpool")
_FIELDS = {
    "layer": ("layer",),
    "any layer": ("layer",),
    "one layer": ("layer",),
    "window layer": ("layer",),
    "image": ("image",),
    "class": ("of_class",),
    "pair": ("pair",),
    "position": ("at",),
    "size": ("size",),
    "seed": ("seed",),
    "filters": ("filters", "flagged"),
    "widths": ("widths", "seeds", "epochs"),
}


def _needed(view: View, wanted: Wanted) -> Wanted:
    """Leave out what a view does not take, so that its answer is found again whatever that is."""
    fields = {field for taken in view.takes for field in _FIELDS.get(taken, ())}
    return Wanted(**{field: getattr(wanted, field) for field in fields})
