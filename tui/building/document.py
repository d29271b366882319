"""The network being edited, its past and future, and the file it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnn_tui.engine.specs.network import Network


@dataclass(frozen=True)
class Moment:
    """One state of the document; a network never changes, so keeping all of them is cheap."""

    network: Network
    place: str = ""
    """The row that the edit leading here was made in, so that undo can lead the eye back."""
    source: Path | None = None
    merge: str = ""


class Document:
    """A list of networks with a position in it: undo and redo without limit."""

    def __init__(self, network: Network, source: Path | None = None) -> None:
        self._moments = [Moment(network, source=source)]
        self._at = 0
        self._saved = network

    @property
    def network(self) -> Network:
        """The present network."""
        return self._moments[self._at].network

    @property
    def source(self) -> Path | None:
        """The file that the present network belongs to."""
        return self._moments[self._at].source

    @property
    def dirty(self) -> bool:
        """Whether there is something that no file and no preset holds."""
        return self.network != self._saved

    def edit(self, network: Network, place: str, merge: str = "") -> bool:
        """Go on to another network; edits with the same ``merge`` key become one step of undo.

        Without the merging, typing ``128`` would leave 1 and 12 in the history.
        """
        now = self._moments[self._at]
        if network == now.network:
            return False
        if merge and merge == now.merge:
            del self._moments[self._at :]
        self._add(Moment(network, place, now.source, merge))
        return True

    def open(self, network: Network, source: Path | None) -> None:
        """Take up another network; undo still leads back to the one before."""
        self._add(Moment(network, "input", source))
        self._saved = network

    def mark_saved(self, source: Path) -> None:
        """Remember that ``source`` holds the present network."""
        self._moments[self._at] = Moment(self.network, self._moments[self._at].place, source)
        self._saved = self.network

    def undo(self) -> str | None:
        """Go one step back; the place of what was undone, None at the beginning."""
        if self._at == 0:
            return None
        self._at -= 1
        return self._moments[self._at + 1].place

    def redo(self) -> str | None:
        """Take back an undo; the place of what was done again, None if there is nothing."""
        if self._at + 1 == len(self._moments):
            return None
        self._at += 1
        return self._moments[self._at].place

    def _add(self, moment: Moment) -> None:
        del self._moments[self._at + 1 :]
        self._moments.append(moment)
        self._at = len(self._moments) - 1
