"""The Inspect screen: a list of views on the left, the chosen view of a network on the right."""

from __future__ import annotations

from functools import partial
from textwrap import wrap
from time import monotonic

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from cnn_tui.engine.errors import CnnTuiError, InsightError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import list_runs, sort_runs
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.engine.training.glimpse import Pace
from cnn_tui.tui.actions import INSPECT, keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.inspect.canvas import Wanted
from cnn_tui.tui.inspect.pane import InspectPane, ViewList
from cnn_tui.tui.inspect.place import Place, layers_of
from cnn_tui.tui.inspect.source import (
    Finding,
    Inspector,
    LiveSource,
    SavedSource,
    Source,
)
from cnn_tui.tui.inspect.table import VIEWS, View
from cnn_tui.tui.messages import ViewShown
from cnn_tui.tui.rows import Column, TableRow
from cnn_tui.tui.screens.inspect_turns import InspectTurns
from cnn_tui.tui.terminal.link import form_in
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.training import Training
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.words import clean, clock

_PATIENCE = 0.5
"""Seconds after which a computation shows its progress."""
_LOOK = 0.25
"""Seconds between two looks at the computation, and at the run that trains."""
_LIVE, _SHARE = 2.0, 0.02
"""Least seconds between two drawings of a run that trains, and their share of its time."""


class InspectScreen(InspectTurns):
    """Looks into the run that trains, the last one, or one of the list."""

    CSS_PATH = "inspect.tcss"
    MODE = "inspect"
    SCOPES = (INSPECT,)
    BINDINGS = bindings(INSPECT)
    AUTO_FOCUS = "ViewList"

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._opened: SavedSource | None = None
        """The run that was chosen; None for the one trained here, or watched, or the newest."""
        self._origin: object = None
        """What the inspector looks into, to notice that it is another by now."""
        self._asked = 0
        """Number of the newest computation; a result of an earlier one comes too late."""
        self._began: float | None = None
        self._share, self._pace = 0.0, Pace(_SHARE, _LIVE)

    @property
    def about(self) -> str:
        """What the help begins with."""
        return self.view.about

    def heading_for(self, built: Heading) -> Heading:
        """The heading is of the network that is looked into, not of the one being built."""
        return self.heading

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="inside"):
            yield ViewList((Column("view"),), id="views")
            with Vertical(id="view"):
                yield TextLines(id="where")
                yield InspectPane(form_in(self.app), id="seen")
                yield TextLines(id="said")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(ViewList).records = tuple(TableRow(v.name, (v.name,)) for v in VIEWS)
        self.set_interval(_LOOK, self._watch)

    def on_unmount(self) -> None:
        self._drop()

    def present(self) -> None:
        if self._inspector is None or self._source_now() != self._origin:
            self._drop()
        elif self._began is not None:
            return  # behind a window, or what was started continues
        self.look()

    def on_screen_suspend(self) -> None:
        """Compute nothing that nobody sees, but what was started by a key."""
        if self.app.current_mode != self.MODE and not self.view.start:
            self._asked, self._began = self._asked + 1, None

    def open_source(self, source: SavedSource) -> None:
        self._opened = source
        self._drop()
        self.look()

    def look(self, *, fresh: bool = False, start: bool = False) -> None:
        """Show the chosen view: at once if it is known, else after a computation on a thread.

        ``fresh`` asks a run that trains for its present weights; ``start`` answers the question of
        views that take long.
        """
        if not self.is_mounted:
            return
        if self._inspector is None:
            self._origin = self._source_now()
            self._inspector = Inspector(self._find)
        view, wanted, self._asked = self.view, self._wanted_now(), self._asked + 1
        known = self._inspector.known(view, self._place.state, wanted)
        if known:
            self._show(self._asked, known)
        elif view.start and not start:
            self._began = self._found = None
            self._pane.seen, self._pane.words = (
                None,
                view.start + keyed(": {inspect.open-start} starts."),
            )
            self.tell()
        else:
            self._compute(self._inspector, view, wanted, fresh=fresh, again=start)

    def _compute(
        self, inspector: Inspector, view: View, wanted: Wanted, *, fresh: bool, again: bool
    ) -> None:
        number, self._began, self._share = self._asked, monotonic(), 0.0

        def progress(share: float) -> None:
            if number == self._asked:
                self._share = share

        def cancelled() -> bool:
            return number != self._asked

        look = partial(
            inspector.look, view, self._place.state, wanted, Watcher(progress, cancelled)
        )
        job = partial(look, fresh=fresh)
        run_in_thread(self, job, partial(self._show, number), partial(self._fail, number, again))

    def _show(self, number: int, found: Finding | None) -> None:
        if number != self._asked or found is None or not self.is_mounted:
            return
        self._pace.worked(found.seconds)
        self._began, self._found = None, found
        self._pane.layer_drawn = self._place.layer(self.view, found.facts)
        self._pane.seen = found.seen
        self.tell()
        if self.lesson:
            self.post_message(self._shown(found))

    def _shown(self, found: Finding) -> ViewShown:
        """Return what is seen, for the lesson that may ask for it."""
        layer, layers = self._pane.layer_drawn, layers_of(self.view, found.facts)
        first = () if layers and layer != layers[0] else ("",)
        return ViewShown(found.facts.name, self.view.name, (layer, *first), found.seen.to_json())

    def _fail(self, number: int, again: bool, error: CnnTuiError) -> None:
        if number != self._asked or not self.is_mounted:
            return
        if again and self._pane.words == str(error):
            self.notify(str(error))
        self._began = self._found = None
        self._pane.seen, self._pane.words = None, str(error)
        self.tell()

    def _source_now(self) -> object:
        """What would be looked into now."""
        training = self._training
        return self._opened or (training.active, training.board.kept, training.places.watched)

    def _find(self) -> Source:
        """Return the chosen run, that of this app, that watched, or the newest; on a thread."""
        # Imported on the thread: it needs NumPy.
        from cnn_tui.engine.insight.width import TAG as WIDTH
        from cnn_tui.engine.runs.train_once import TAG

        places = self._training.places
        if self._opened:
            return self._opened
        if self._training.active:
            return LiveSource(self._training)
        if kept := self._training.board.kept:
            return SavedSource(kept)
        # Those that a comparison trained are nobody's own.
        newest = sorted(
            sort_runs(list_runs(places.runs), "created"),
            key=lambda entry: not {TAG, WIDTH}.isdisjoint(entry.tags),
        )
        folders = [RunFolder(places.runs / entry.name) for entry in newest]
        for folder in filter(None, (places.watched, *folders)):
            if folder.states or is_regular(folder.best_file):
                return SavedSource(folder)
        hint = keyed("{build.train} trains one; {app.inspect} then looks in it.")
        raise InsightError("There is no trained network yet.", hint)

    def _drop(self) -> None:
        """Forget what was found in another network."""
        if self._inspector:
            inspector, self._inspector = self._inspector, None
            run_in_thread(self, inspector.close, lambda _: None, lambda _: None)
        self._asked += 1
        self._found, self._place = None, Place()

    def _wanted_now(self) -> Wanted:
        return self._place.wanted_by(self.view, self._facts)

    def _watch(self) -> None:
        """Show how far a long computation is, and draw a run that trains again in time."""
        if not self.is_current or self._inspector is None:
            return
        source = self._inspector.source
        if source is not None and source.live and not self._training.active:
            self._drop()
            self.look()
        elif self._began is not None:
            self._tell_progress(monotonic() - self._began)
        elif source is not None and source.live and self.view.live and self._pace.due:
            self.look(fresh=True)

    def _tell_progress(self, seconds: float) -> None:
        """Say what is computed, unless something is drawn that is renewed while a run trains."""
        live = self._found is not None and self._training.active
        if seconds > _PATIENCE and not live:
            left = clock(seconds * (1 - self._share) / self._share) if self._share else ""
            share = f" {self._share:.0%}, {left} left" if self._share else ""
            self._pane.seen = None
            self._pane.words = f"computing{share}... esc cancels"

    @on(InspectPane.PagesCounted)
    def tell(self) -> None:
        """Show where this is, and what the view says."""
        facts = self._facts
        self.query_one("#view").border_title = Content(self.view.name)
        where = self.query_one("#where", TextLines)
        if facts:
            pages, at = self._pane.drawn.pages, self._pane.page + 1
            page = f"page {at} of {pages}" if self._found and pages > 1 else ""
            room = self._pane.size.width - 1
            words = self._place.words(self.view, facts, self._found, page, room)
            where.rows = (((f" {words}", ""),),)
            self.heading = Heading(clean(facts.name), facts.state)
        width = max(20, self._pane.size.width - 2)
        said = self._found.seen.said if self._found else ()
        lines = [
            ((f" {line}", "strong" if not at else ""),)
            for at, sentence in enumerate(said)
            for line in wrap(clean(sentence), width)
        ]
        below = self.query_one("#said", TextLines)
        below.rows, below.display = tuple(lines), bool(lines)
        self.refresh_bindings()

    def action_back(self) -> None:
        """Cancel the computation, leave the window of the stepper, or go back to the runs."""
        if self._pane.has_focus:
            self.query_one(ViewList).focus()
        elif self._began is not None:
            self._asked, self._began = self._asked + 1, None
            self._pane.seen, self._pane.words = (
                None,
                keyed("cancelled; {inspect.open-start} starts again"),
            )
        else:
            self.app.call_later(self.app.run_action, "app.mode('runs')")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return super().check_action(action, parameters)
        found, facts = self._found, self._facts
        takes, wanted = self.view.takes, self._place.wanted
        match action:
            case "layer":
                return len(layers_of(self.view, facts)) > 1 or (
                    "size" in takes and facts is not None
                )
            case "class":
                return "class" in takes and facts is not None
            case "image":
                return "image" in takes and facts is not None and facts.images > 0
            case "choose_image":
                return "image" in takes and facts is not None
            case "flagged":
                return facts is not None and bool(facts.convs)
            case "choose_data":
                return self._inspector is not None and isinstance(
                    self._inspector.source, SavedSource
                )
            case "travel":
                return facts is not None and len(facts.states) > 1
            case "filter":
                return found is not None and bool(self._pane.drawn.order)
            case "page":
                return found is not None and self._pane.drawn.pages > 1
            case "save" | "zoom":
                return found is not None
            case "keep":
                return found is not None and self.view.name == "ablate" and self._place.ablates
            case "undo":
                return found is not None and (self._place.ablates or wanted.pair is not None)
            case "act":
                walks = "position" in takes and not self._pane.has_focus
                can_open = self._pane.chosen is not None or walks
                return self._began is None and (found is None or can_open)
        return super().check_action(action, parameters)
