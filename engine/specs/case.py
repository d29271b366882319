"""A fault as the shape doctor sees it, and a change that may mend it."""

from __future__ import annotations

from typing import NamedTuple

from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer, Place
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix


class Case(NamedTuple):
    """A fault in its place; the empty place is the network as a whole."""

    network: Network
    steps: tuple[InferredLayer, ...]
    place: Place
    fault: Diagnostic

    @property
    def chain(self) -> tuple[InferredLayer, ...]:
        """The faulty layer, led by the residual blocks that it is in."""
        steps, chain = self.steps, []
        for position in self.place:
            chain.append(steps[position])
            steps = steps[position].branch
        return tuple(chain)

    @property
    def step(self) -> InferredLayer:
        """The faulty layer."""
        return self.chain[-1]

    def fix(self, field: str, value: int | str | list[int], *also: Fix) -> Fix:
        """A change of the faulty layer or, by ``branch[1].stride``, of one inside it."""
        inner = "".join(f"branch[{position}]." for position in self.place[1:])
        return Fix(self.place[0] + 1, inner + field, value, "", also)


class FixCandidate(NamedTuple):
    """A change worth trying."""

    fix: Fix
    label: str
    cost: float
    """How much it changes, to rank by."""
    note: str = ""
    """A drawback that the numbers do not show."""
