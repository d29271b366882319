"""What the keys of Inspect turn to: another view, layer, image, class, state, filter or page."""

from __future__ import annotations

from textual import on

from cnn_tui.engine.specs.family import ANCESTORS
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.inspect.pane import InspectPane, ViewList
from cnn_tui.tui.inspect.source import Surroundings
from cnn_tui.tui.inspect.table import VIEWS, View, view_named
from cnn_tui.tui.messages import PresetWanted
from cnn_tui.tui.screens.inspect_dialogs import InspectDialogs

_AROUND = (
    "Around to the other end: these are all states that were kept. "
    "keep_every of the recipe ({list.recipe} in Build) keeps more of the next run."
)


class InspectTurns(InspectDialogs):
    """The base of Inspect that changes what is wanted."""

    @property
    def view(self) -> View:
        """The chosen view."""
        return view_named(self.query_one(ViewList).chosen) or VIEWS[0]

    @property
    def _pane(self) -> InspectPane:
        return self.query_one(InspectPane)

    @property
    def _facts(self) -> Surroundings | None:
        return self._inspector.facts if self._inspector else None

    def tell(self) -> None:
        """Show where this is, and what the view says."""
        raise NotImplementedError

    @on(ViewList.Highlighted)
    def _other_view(self) -> None:
        self._place.undo()
        self.turn_to(self.view.name)

    def action_layer(self, by: int) -> None:
        if "size" in self.view.takes and self._facts:
            self._place.next_size(self._facts, by)
            self.look()
        elif self._place.next_layer(self.view, self._facts, by):
            self._pane.page, self._pane.chosen = 0, None
            self.look()

    def action_image(self, by: int) -> None:
        if self._facts and self._place.next_image(self._facts, by):
            self.look()

    def action_class(self, by: int) -> None:
        if self._facts:
            self._place.next_class(self._facts, by)
            self.look()

    @on(InspectPane.Moved)
    def _move(self, event: InspectPane.Moved) -> None:
        """Move the window of the stepper."""
        window = self._pane.drawn.window
        if self._found and window:
            before = self._place.wanted.at
            self._place.move(*window, event.down, event.across)
            if self._place.wanted.at == before:
                self.notify("The window is at the border of the output.")
            self.look()

    def action_travel(self, by: int) -> None:
        facts = self._facts
        if facts and self._place.next_state(facts, by):
            if self._place.state == facts.states[0 if by > 0 else -1]:
                self.notify(keyed(_AROUND))
            self.look()

    def action_filter(self, by: int) -> None:
        pane = self._pane
        order, on_a_page = pane.drawn.order, pane.drawn.on_a_page
        if order:
            first = pane.page * on_a_page
            at = first if pane.chosen not in order else order.index(pane.chosen) + by
            if not 0 <= at < len(order):
                self.notify("There are no more of them in this direction.")
            at = max(0, min(at, len(order) - 1))
            pane.chosen, pane.page = order[at], at // on_a_page
            if "position" in self.view.takes:
                self._place.choose_filters((order[at],))
                self.look()
            self.tell()

    def action_page(self, by: int) -> None:
        pane = self._pane
        if not 0 <= pane.page + by < pane.drawn.pages:
            self.notify("There are no more pages in this direction.")
        pane.page = max(0, min(pane.page + by, pane.drawn.pages - 1))
        pane.chosen = None
        self.tell()

    def action_zoom(self, by: int) -> None:
        if not self._pane.zoomed(by):
            how = "larger" if by > 0 else "smaller"
            self.notify(f"There is no picture that can be drawn {how} here.")
        self.tell()

    def action_act(self) -> None:
        """Open what is under the cursor, walk with the arrows, or start a computation."""
        view, chosen, facts = self.view, self._pane.chosen, self._facts
        if self._found is None or facts is None:
            self.look(start=True)
        elif "position" in view.takes:
            self._pane.focus()
        elif chosen is not None and view.opens == "build":
            self.post_message(PresetWanted(ANCESTORS[chosen].preset))
        elif chosen is not None:
            self._place.open(view, facts, chosen)
            self.turn_to(view.opens)

    def turn_to(self, view: str) -> None:
        """Show a view with what is wanted now."""
        self.query_one(ViewList).choose(view)
        self._pane.page, self._pane.chosen, self._pane.seen, self._found = 0, None, None, None
        self._pane.words = ""
        self.look()

    def action_flagged(self) -> None:
        """Take out the filters that the health of the layer flags."""
        if self._facts and self._facts.convs:
            conv = self._place.conv(self.view, self._facts)
            self._place.choose_flagged(conv)
            self.turn_to("ablate")

    def action_undo(self) -> None:
        """Put the filters back; show all mistakes again."""
        self._place.undo()
        self.turn_to(self.view.name)
