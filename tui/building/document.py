"""The network being edited, its history, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cnn_tui.engine.specs.flow import Edit
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.building.trained import Trained


@dataclass
class Origin:
    """The file or preset of a network; the same object for all of its edits."""

    path: Path | None
    """None for a preset and for a network that was never saved."""
    held: Network
    """The network in the file or the preset, as last read or written here."""


@dataclass(frozen=True)
class Moment:
    """A state of the document; networks are immutable, so keeping all of them is cheap."""

    network: Network
    origin: Origin
    place: str = ""
    """The key of the row that was edited, so that redo can select it."""
    begun: str = ""
    """The key of the row that was selected before, for undo; of several merged edits the first."""
    merge: str = ""
    trained: Trained | None = None
    """Weights that once fitted the network; they may not fit it after later edits."""


class Document:
    """A list of networks with a position in it: undo and redo without limit."""

    def __init__(self, network: Network, source: Path | None = None) -> None:
        self._moments = [Moment(network, Origin(source, network))]
        self._at = 0

    @property
    def network(self) -> Network:
        return self._now.network

    @property
    def source(self) -> Path | None:
        """The file of the present network."""
        return self._now.origin.path

    @property
    def held(self) -> Network:
        """The network in that file, as last read or written here."""
        return self._now.origin.held

    @property
    def trained(self) -> Trained | None:
        """Weights that came with the network."""
        return self._now.trained

    @property
    def dirty(self) -> bool:
        """Whether the network differs from its file or preset."""
        return self.network != self.held

    def edit(
        self,
        network: Network,
        place: str,
        merge: str = "",
        trained: Trained | None = None,
        begun: str = "",
    ) -> bool:
        """Replace the network; edits with the same ``merge`` key become one step of undo.

        Without merging, typing ``128`` would leave 1 and 12 in the history. The weights are kept
        unless others come with the edit.
        """
        now = self._now
        if network == now.network:
            return False
        if merge and merge == now.merge:
            begun = now.begun
            del self._moments[self._at :]
            if self._moments[-1].network == network:  # typed and taken back: nothing to undo
                self._at -= 1
                return True
        self._add(Moment(network, now.origin, place, begun or place, merge, trained or now.trained))
        return True

    def open(self, network: Network, source: Path | None, trained: Trained | None = None) -> None:
        """Open another network; undo still returns to the previous one."""
        self._add(Moment(network, Origin(source, network), "input", "input", trained=trained))

    @property
    def moment(self) -> Moment:
        """The present state, for :meth:`come_back`."""
        return self._now

    def come_back(self, moment: Moment) -> None:
        """Take up an earlier network again, with its file and its weights; undo leads back."""
        self._add(moment)

    def latest_edits(self, count: int) -> tuple[Edit, ...]:
        """The last edits of the present network, the newest first."""
        first = max(0, self._at - count)
        moments = self._moments[first : self._at + 1]
        return tuple(
            Edit(before.network, after.network)
            for before, after in reversed(list(pairwise(moments)))
            if before.origin is after.origin is self._now.origin
        )

    def mark_saved(self, source: Path) -> None:
        """Record that ``source`` holds the present network."""
        self._now.origin.path, self._now.origin.held = source, self.network

    @property
    def steps_back(self) -> int:
        """The number of edits that can be undone."""
        return self._at

    def undo(self) -> str | None:
        """Undo one edit; returns the key of the row selected before, None at the beginning."""
        if self._at == 0:
            return None
        self._at -= 1
        return self._moments[self._at + 1].begun

    def redo(self) -> str | None:
        """Redo one edit; returns the key of its row, None if there is none."""
        if self._at + 1 == len(self._moments):
            return None
        self._at += 1
        return self._now.place

    @property
    def _now(self) -> Moment:
        return self._moments[self._at]

    def _add(self, moment: Moment) -> None:
        del self._moments[self._at + 1 :]
        self._moments.append(moment)
        self._at = len(self._moments) - 1
