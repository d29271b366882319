"""The dialog for rewrites of a layer: costs, and a proof before one is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError, ShapeError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at
from cnn_tui.engine.specs.rewrite import Rewrite
from cnn_tui.engine.specs.transforms import Transform, alone, transforms_for
from cnn_tui.tui.building.edits import Path
from cnn_tui.tui.building.proof import rewrite_lines
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.rows import Line, unstyled
from cnn_tui.tui.screens.dialog import Dialog, TitledWindow
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.lines import Lines
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from cnn_tui.engine.transforms.verify import Verification

_HINT = "enter rewrites the network, up/down select, esc goes back"


class Proof(NamedTuple):
    """The result of comparing both networks."""

    words: str
    holds: bool
    carried: Trained | None
    """The trained weights in their new form, if there were any."""


class Outcome(NamedTuple):
    """The rewritten network, and its weights if they were transferred."""

    network: Network
    trained: Trained | None


class Candidate:
    """A rewrite of the selected layer and its proof, once known."""

    def __init__(self, network: Network, path: Path, transform: Transform) -> None:
        self.title = transform.title
        self.rewritten: Rewrite | None = None
        self.refusal = ""
        self.shown: Line = unstyled()
        self.proof: Proof | None = None
        try:
            self.rewritten = transform.make(network, path)
        except ShapeError as error:
            self._refuse(network, path, transform, str(error))

    def _refuse(self, network: Network, path: Path, transform: Transform, reason: str) -> None:
        """Keep the reason; a matrix that has no place in the network is still shown."""
        self.refusal = reason
        if transform.kind == "conv-to-fc":
            try:
                self.rewritten = transform.make(alone(network, path), (0,))
            except CnnTuiError:
                return


class CandidateList(Lines):
    """The candidates, and details of the selected one."""

    class Clicked(Message):
        """A candidate was clicked."""

        def __init__(self, candidate: int, again: bool) -> None:
            super().__init__()
            self.candidate = candidate
            self.again = again

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self.candidates):
            self.post_message(self.Clicked(event.y, event.chain > 1))

    def __init__(self) -> None:
        super().__init__()
        self.candidates: Sequence[Candidate] = ()
        self.chosen = 0

    def lines(self, width: int, height: int) -> Sequence[Line]:
        chosen = self.candidates[self.chosen] if self.candidates else None
        rows: list[Line] = [
            (
                (
                    f"{'>' if candidate is chosen else ' '} {candidate.title}",
                    "strong" if candidate is chosen else "dim",
                ),
            )
            for candidate in self.candidates
        ]
        if chosen is None:
            return rows
        rows.append(unstyled())
        rows += _hanging(((_refused(chosen), "warn"),), width) if chosen.refusal else []
        if chosen.refusal and chosen.rewritten:
            rows.append((("On its own the layer would become:", "dim"),))
        if chosen.rewritten:
            made = rewrite_lines(chosen.rewritten)
            rows += [row for line in made for row in _hanging(line, width)]
        verdict = _hanging(chosen.shown, width)
        room = height - len(verdict)
        if len(rows) > room:
            rows = [row for row in rows if any(text for text, _ in row)]
        rows += [unstyled()] * (room - len(rows))
        return [*rows[:room], *verdict]


def _refused(candidate: Candidate) -> str:
    reason = clean(candidate.refusal)
    return f"Not here: {reason}" if reason.startswith("then ") else reason


def _hanging(line: Line, width: int) -> list[Line]:
    """Wrap the last part of a row below itself."""
    *head, (text, role) = line
    used = sum(len(part) for part, _ in head)
    first, *rest = wrap(text, max(8, width - used)) or [text]
    if not rest:
        return [line]
    return [(*head, (first, role)), *(((f"{'':{used}}{more}", role),) for more in rest)]


class TransformDialog(Dialog[Outcome]):
    """Returns the rewritten network, None for escape."""

    BINDINGS = [
        Binding("enter", "accept", "rewrite", show=False),
        Binding("down,j", "go(1)", show=False),
        Binding("up,k", "go(-1)", show=False),
    ]

    def __init__(self, network: Network, path: Path, trained: Trained | None = None) -> None:
        """Offer the rewrites of the layer at ``path``; ``trained`` are the network's weights."""
        super().__init__()
        self._trained = trained
        options = transforms_for(layer_at(network, path))
        self._candidates = [Candidate(network, path, transform) for transform in options]

    def compose(self) -> ComposeResult:
        whose = f", with the weights of {self._trained.words}" if self._trained else ""
        with TitledWindow(f"Transform{whose}", classes="transform"):
            yield CandidateList()
            yield Static(_HINT, classes="hint")

    def on_mount(self) -> None:
        self.query_one(CandidateList).candidates = self._candidates
        self.action_go(0)

    def action_go(self, by: int) -> None:
        """Select another candidate; each is proved once."""
        shown = self.query_one(CandidateList)
        shown.chosen = max(0, min(shown.chosen + by, len(self._candidates) - 1))
        candidate = self._candidates[shown.chosen]
        if candidate.rewritten and candidate.shown == unstyled():
            candidate.shown = (("proving on random images ...", "dim"),)
            # A matrix shown on its own is not part of the network.
            trained = None if candidate.refusal else self._trained
            work = partial(_prove, candidate.rewritten, trained)
            run_in_thread(
                self, work, partial(self._proved, candidate), partial(self._failed, candidate)
            )
        shown.redraw()

    @on(CandidateList.Clicked)
    def _clicked(self, event: CandidateList.Clicked) -> None:
        self.action_go(event.candidate - self.query_one(CandidateList).chosen)
        if event.again:
            self.action_accept()

    def action_accept(self) -> None:
        """Rewrite the network, if the rewrite is proved."""
        candidate = self._candidates[self.query_one(CandidateList).chosen]
        if candidate.refusal or not candidate.rewritten:
            self.notify(candidate.refusal, severity="warning", markup=False)
        elif candidate.proof and candidate.proof.holds:
            self.action_finish(Outcome(candidate.rewritten.after, candidate.proof.carried))

    def _proved(self, candidate: Candidate, proof: Proof) -> None:
        candidate.proof = proof
        candidate.shown = ((proof.words, "good" if proof.holds else "error"),)
        self.query_one(CandidateList).redraw()

    def _failed(self, candidate: Candidate, error: CnnTuiError) -> None:
        candidate.shown = ((f"not proved: {clean(str(error))}", "error"),)
        self.query_one(CandidateList).redraw()


def _prove(rewritten: Rewrite, trained: Trained | None) -> Proof:
    """Run both networks, with the trained weights if they can be read."""
    # NumPy takes longer to import than the first screen may take.
    from cnn_tui.engine.transforms.verify import verify

    weights, trouble = None, ""
    if trained:
        try:
            weights = trained.weights(rewritten.before)
        except CnnTuiError as error:
            trouble = f" Without its trained weights: {error}"
    verification = verify(rewritten, weights)
    words = f"{_verdict(verification)}{trouble}"
    return Proof(
        words, verification.passed, trained.through(rewritten) if trained and weights else None
    )


def _verdict(verification: Verification) -> str:
    over = (
        f"{verification.images} random images: scores up to {verification.largest:.3g} differ by "
        f"{verification.difference:.1e} at most"
    )
    if not verification.passed:
        return f"Not equal on {over}"
    if verification.exact:
        return f"Equal on {over}"
    return f"Another function, to be trained again: scores differ by {verification.difference:.2g}"
