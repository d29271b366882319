"""What a layer may become: shown with its costs, and proved before it is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import wrap

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError, ShapeError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.rewrite import Rewrite
from cnn_tui.engine.specs.transforms import Transform, alone, transforms_for
from cnn_tui.tui.apart import Finished, run_apart
from cnn_tui.tui.building.edits import Path, layer_at
from cnn_tui.tui.building.proof import rewrite_lines
from cnn_tui.tui.widgets.lines import Line, Lines, plain
from cnn_tui.tui.words import clean

_HINT = "enter rewrites the network, up/down choose, esc leaves"


class Candidate:
    """One transformation of the chosen layer, with what has become known of it."""

    def __init__(self, network: Network, path: Path, transform: Transform) -> None:
        self.title = transform.title
        self.rewritten: Rewrite | None = None
        self.refusal = ""
        self.proof: Line = plain()
        self.proved = False
        try:
            self.rewritten = transform.make(network, path)
        except ShapeError as error:
            self._refuse(network, path, transform, str(error))

    def _refuse(self, network: Network, path: Path, transform: Transform, reason: str) -> None:
        """A matrix that has no place in the network is still worth seeing."""
        self.refusal = reason
        if transform.kind == "conv-to-fc":
            try:
                self.rewritten = transform.make(alone(network, path), (0,))
            except CnnTuiError:
                return


class Comparison(Lines):
    """The candidates, and of the marked one all there is to say."""

    def __init__(self) -> None:
        super().__init__()
        self.candidates: Sequence[Candidate] = ()
        self.chosen = 0

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Titles, then layers, costs and proof."""
        chosen = self.candidates[self.chosen] if self.candidates else None
        rows: list[Line] = [
            (
                (
                    f"{'>' if one is chosen else ' '} {one.title}",
                    "strong" if one is chosen else "dim",
                ),
            )
            for one in self.candidates
        ]
        if chosen is None:
            return rows
        rows.append(plain())
        rows += [((line, "warn"),) for line in wrap(clean(chosen.refusal), width)]
        if chosen.refusal and chosen.rewritten:
            rows.append((("By itself the layer would become:", "dim"),))
        if chosen.rewritten:
            rows += rewrite_lines(chosen.rewritten)
        rows += [plain()] * (height - 1 - len(rows))
        return [*rows[: height - 1], chosen.proof]


class TransformDialog(ModalScreen[Network | None]):
    """Gives back the rewritten network, None for escape."""

    BINDINGS = [
        Binding("escape", "finish", "cancel", show=False),
        Binding("enter", "accept", "rewrite", show=False),
        Binding("down,j", "go(1)", show=False),
        Binding("up,k", "go(-1)", show=False),
    ]

    def __init__(self, network: Network, path: Path) -> None:
        super().__init__()
        options = transforms_for(layer_at(network, path))
        self._candidates = [Candidate(network, path, one) for one in options]

    def compose(self) -> ComposeResult:
        """Title, comparison, keys."""
        with Vertical(classes="window transform"):
            yield Static("Transform", classes="title")
            yield Comparison()
            yield Static(_HINT, classes="hint")

    def on_mount(self) -> None:
        """Show the first candidate."""
        self.query_one(Comparison).candidates = self._candidates
        self.action_go(0)

    def action_finish(self, network: Network | None = None) -> None:
        """Close with a network."""
        if self.is_current:
            self.dismiss(network)

    def action_go(self, by: int) -> None:
        """Mark another candidate; what it says is proved once."""
        shown = self.query_one(Comparison)
        shown.chosen = max(0, min(shown.chosen + by, len(self._candidates) - 1))
        candidate = self._candidates[shown.chosen]
        if candidate.rewritten and candidate.proof == plain():
            candidate.proof = (("proving on random images ...", "dim"),)
            run_apart(self, str(shown.chosen), partial(_verify, candidate.rewritten))
        shown.redraw()

    def action_accept(self) -> None:
        """Rewrite the network, if that is proved."""
        candidate = self._candidates[self.query_one(Comparison).chosen]
        if candidate.refusal or not candidate.rewritten:
            self.notify(candidate.refusal, severity="warning", markup=False)
        elif candidate.proved:
            self.action_finish(candidate.rewritten.after)

    @on(Finished)
    def _proved(self, event: Finished) -> None:
        candidate = self._candidates[int(event.task)]
        if event.error:
            candidate.proof = ((f"not proved: {clean(event.error)}", "error"),)
        elif isinstance(event.result, tuple):
            words, candidate.proved = event.result
            candidate.proof = ((words, "good" if candidate.proved else "error"),)
        self.query_one(Comparison).redraw()


def _verify(rewritten: Rewrite) -> tuple[str, bool]:
    """Run both networks; the proof in words and whether it holds."""
    # NumPy takes longer to import than the first screen may take.
    from cnn_tui.engine.transforms.verify import verify

    found = verify(rewritten)
    over = f"{found.images} random images: largest difference {found.difference:.1e}"
    if not found.passed:
        return f"not the same. {over}, scores up to {found.largest:.3g}", False
    if found.exact:
        return f"the same. {over}, scores up to {found.largest:.3g}", True
    return f"another function, to be trained anew. {over}", True
