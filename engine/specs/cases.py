"""Records of the shape doctor: a fault with what is around it, and a change to be tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cnn_tui.engine.specs.flow import Diagnostic, InferredLayer, batched_pairs
from cnn_tui.engine.specs.inside import Place, list_fields
from cnn_tui.engine.specs.known_data import DataFacts
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Fix


class Case(NamedTuple):
    """A fault to be fixed, with its network; an empty place is the network as a whole."""

    network: Network
    steps: tuple[InferredLayer, ...]
    place: Place
    fault: Diagnostic
    facts: DataFacts | None = None
    """The data that the network is for; None for any."""

    @property
    def chain(self) -> tuple[InferredLayer, ...]:
        """The blocks around the faulty layer, outermost first, then the layer itself."""
        top = self.steps[self.place[0]]
        depths = range(0, len(self.place), 2)
        found = (top.at(self.place[1 : depth + 1]) for depth in depths)
        return tuple(step for step in found if step is not None)

    @property
    def step(self) -> InferredLayer:
        """The layer that has the fault."""
        return self.chain[-1]

    def fix(self, field: str, value: int | str | list[int], *also: Fix) -> Fix:
        """Return a change of the faulty layer or, as ``branch[1].stride``, of one inside it."""
        return Fix(self.place[0] + 1, self.inside + field, value, "", also)

    @property
    def inside(self) -> str:
        """The path from the layer of the network to the faulty one inside it: ``branch[1].``."""
        pairs = zip(self.chain, batched_pairs(self.place[1:]), strict=False)
        return "".join(
            f"{list_fields(step.layer)[at]}[{position}]." for step, (at, position) in pairs
        )


class FixCandidate(NamedTuple):
    """A change to be tried; the doctor offers it if it works."""

    fix: Fix
    label: str
    """The new value, or the change in the imperative."""
    cost: float = 0.0
    """Size of the change, for ranking; of equal ones the first comes first."""
    note: str = ""
    """A drawback that the shapes do not show."""
    was: str = ""
    """The present value."""

    @property
    def words(self) -> str:
        """The change: ``stride 1 instead of 2``."""
        return f"{self.label} instead of {self.was}" if self.was else self.label


def first_broken(
    steps: Iterable[InferredLayer],
    before: Sequence[InferredLayer],
    renumbered: bool,
    first: int = 1,
) -> str:
    """Say which layer does not fit once a network has been changed; empty if all do.

    Args:
        steps: layers of the changed network.
        before: all layers of the network as it was.
        renumbered: whether layers have come or gone.
        first: the number of the first of ``steps``.
    """
    for number, step in enumerate(steps, first):
        if not step.broken:
            continue
        name = f"layer {number} ({layer_type(step.layer)})"
        # The others have other numbers then, but are the same objects.
        same = [old for old in before if old.layer is step.layer]
        was = same if renumbered else before[number - 1 :]
        return f"{name} still does not fit" if was and was[0].broken else f"then {name} breaks"
    return ""
