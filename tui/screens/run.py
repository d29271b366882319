"""The common screen of a run: status, charts, layers and log, and the chart keys."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, thread_time
from typing import Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.reactive import var
from textual.timer import Timer

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.actions import APP, commands
from cnn_tui.tui.command import key_words
from cnn_tui.tui.dashboard.board import Board, read_board
from cnn_tui.tui.dashboard.pictures import (
    KINDS,
    Kind,
    further_of,
    is_log,
    panned,
    picture,
    reached_by,
    stepped,
    views_of,
    x_axis,
)
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.dashboard.series import SMOOTHING
from cnn_tui.tui.dashboard.viewport import MOST_ZOOM, Viewport
from cnn_tui.tui.history.run_rows import MOST
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.run_picker import pick_run
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.chart import Chart
from cnn_tui.tui.widgets.run_panels import (
    EventLog,
    Figures,
    LayerHealthTable,
    RunStatus,
    VerdictLine,
)
from cnn_tui.tui.words import clean

_REST = 50
"""Pause after drawing the charts, in multiples of the drawing time, for the training."""
_LONGEST_REST = 0.35
"""The longest rest of the charts in seconds, less than between two polls: each poll draws."""
_AFFORDABLE = 0.01
"""Seconds for a drawing, two in a second; beyond that bands are left out."""


_FIGURES_ONLY = "compare, test, export"
"""All that is next after a run of another program, of which only the figures are known."""
_NEXT = (
    ("screen.remedy", "apply the remedy"),
    ("app.mode('inspect')", "look inside"),
    ("app.mode('runs')", _FIGURES_ONLY),
    ("screen.compare", "compare with the original"),
    ("app.train", "train again"),
    ("screen.take_over", "take it into Build"),
    ("screen.build_on", "build on it"),
)
"""Commands that are next after a run, and what they are for."""


class RunSource(Protocol):
    """The origin of a run: this app trains it, or its folder is watched."""

    earlier: Board | None
    """A run whose curves are drawn below."""

    @property
    def board(self) -> Board:
        """The state of the run."""

    @property
    def view(self) -> RunView:
        """The snapshot of the run."""

    @property
    def runs_dir(self) -> Path:
        """The folder of the runs that can be drawn as well."""


class RunScreen(ModeScreen):
    """Shows a run from any source."""

    CSS_PATH = "train.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-normal"), (104, "-wide"), (160, "-huge")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high"), (48, "-tall")]

    lens: var[Viewport] = var(Viewport(), init=False)
    second: var[Kind] = var[Kind]("accuracy", init=False)
    """The second chart; if there is room for four, all are shown."""

    def __init__(self, source: RunSource) -> None:
        super().__init__()
        self._source = source
        self._board = source.board
        """The board that was drawn last."""
        self._overlaid: dict[str, Board] = {}
        """Runs selected for comparison, by name."""
        self._rest_until = 0.0
        self._waiting: Timer | None = None
        self._cost = 0.0
        """The usual time of a drawing, in seconds."""

    def idle_words(self) -> str:
        """Return the text of the log before the run has begun."""
        raise NotImplementedError

    def difference(self) -> str:
        """How the network in Build differs from that of the run."""
        return ""

    def next_steps(self) -> tuple[tuple[str, str], ...]:
        """Return keys, or commands, and what they do once the run has ended."""
        known = {
            command.action: key_words(command)
            for scope in (*self.SCOPES, APP)
            for command in commands(scope)
        }
        steps = [
            (known[action], words)
            for action, words in _NEXT
            if action in known and (action.startswith("app.") or self._may(action))
        ]
        started = self._source.board.started
        if started and started.program:
            steps = [step for step in steps if step[1] == _FIGURES_ONLY]
        kept = clean(started.run) if started else ""
        return (*steps, (f"cnn-tui export {kept}", "other formats")) if kept else tuple(steps)

    def _may(self, action: str) -> bool:
        return bool(self.check_action(action.removeprefix("screen."), ()))

    def heading_for(self, built: Heading) -> Heading:
        """Return network, recipe and data of the run that is shown, if there is one."""
        started, recipe = self._source.board.started, self._source.view.recipe
        if started is None:
            return built
        # The line below tells it while a run trains.
        told = self._source.view.state == "training"
        return Heading(clean(started.arch), clean(started.data), recipe="" if told else recipe)

    def compose_body(self) -> ComposeResult:
        yield RunStatus(id="status")
        yield VerdictLine(id="verdict")
        with Container(id="charts"):
            for kind in KINDS:
                yield Chart(id=kind)
        with Horizontal(id="bottom"):
            yield EventLog(id="log")
            yield LayerHealthTable(id="layers")
            yield Figures(id="figures")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch_second(self.second)
        self.call_after_refresh(self.present)

    def present(self) -> None:
        """Show the present state of the run.

        A cursor belongs to its run: in another one it would move the window.
        """
        board, run = self._source.board, self._source.view
        if board is not self._board and self.lens.cursor is not None:
            self.set_reactive(RunScreen.lens, replace(self.lens, cursor=None, at=None))
        self._board = board
        if not self.is_mounted or not self.query(EventLog):
            return  # not made yet, or being left
        self.query_one(RunStatus).run = run
        self.query_one(VerdictLine).run = run
        self.query_one(Figures).run = run
        self.query_one(LayerHealthTable).run = run
        self.query_one(RunStatus).next_steps = self.next_steps()
        differs = self.difference()
        below = self.query_one(VerdictLine)
        below.differs = differs
        self.query_one(RunStatus).differs = differs if below.size.height < 2 else ""
        log = self.query_one(EventLog)
        log.empty, log.entries = self.idle_words(), run.log
        self._draw_in_time()

    def watch_lens(self) -> None:
        self._draw()

    def watch_second(self, second: Kind) -> None:
        for kind in KINDS[1:]:
            self.query_one(f"#{kind}").set_class(kind != second, "-aside")
        self.call_after_refresh(self._draw)

    def on_resize(self, event: object) -> None:
        self.call_after_refresh(self._draw)

    def action_log_scale(self) -> None:
        self.lens = replace(self.lens, log=not is_log(self._board, self.lens))

    def action_smooth(self) -> None:
        choice = (self.lens.smoothing + 1) % len(SMOOTHING)
        self.lens = replace(self.lens, smoothing=choice)
        memory = SMOOTHING[choice]
        self.notify(f"Smoothed over {memory:g} epochs" if memory else "Smoothing off")

    def action_zoom(self, by: int) -> None:
        self.lens = replace(self.lens, zoom=min(max(0, self.lens.zoom + by), MOST_ZOOM))

    def action_cursor(self, steps: int) -> None:
        """Move the value cursor; the window follows it."""
        axis, reached = x_axis(self._board, self.lens), reached_by(self._board)
        if reached:
            cursor = stepped(self.lens.cursor, axis, reached, steps)
            self.lens = replace(self.lens, cursor=cursor, at=None)

    @on(Chart.Pointed)
    def _pointed(self, event: Chart.Pointed) -> None:
        """Take the value cursor to what is clicked; zoom where the wheel turns."""
        if event.zoom:
            zoom = min(max(0, self.lens.zoom + event.zoom), MOST_ZOOM)
            self.lens = replace(self.lens, zoom=zoom, at=event.x if zoom else None)
        else:
            self.lens = replace(self.lens, cursor=min(event.x, reached_by(self._board)))

    def action_pan(self, steps: int) -> None:
        self.lens = panned(self._board, self.lens, steps)

    def action_whole(self) -> None:
        """Remove cursor and zoom."""
        self.lens = replace(self.lens, zoom=0, cursor=None, at=None)

    def action_next_chart(self) -> None:
        """Show another chart beside the loss."""
        drawn = further_of(self._board, self.lens) if self.second == "accuracy" else ""
        views, now = self._views(), (self.second, drawn)
        kind, further = views[(views.index(now) + 1 if now in views else 0) % len(views)]
        self.lens = replace(self.lens, further=further)
        self.second = kind

    def _views(self) -> list[tuple[Kind, str]]:
        """The charts to choose from; where there is room for all, the figures of the second."""
        views = views_of(self._board)
        shown = self.has_class("-huge") and self.has_class("-tall")
        return [view for view in views if view[0] == "accuracy"] if shown else views

    def action_earlier(self) -> None:
        """Show or hide other runs."""
        self.lens = replace(self.lens, earlier=not self.lens.earlier)

    @work
    async def action_overlay(self) -> None:
        """Choose another run to draw."""
        own = self._board.started.run if self._board.started else ""
        none = "There is no earlier run to compare with."
        chosen = await pick_run(
            self, self._source.runs_dir, "Draw a run as well", none, self._overlaid, own
        )
        if chosen in self._overlaid:
            del self._overlaid[chosen]
            self._draw()
        elif chosen:
            read = partial(read_board, RunFolder(self._source.runs_dir / chosen))
            run_in_thread(self, read, partial(self._overlay, chosen), partial(complain, self.app))

    def _overlay(self, name: str, board: Board) -> None:
        if len(self._overlaid) == MOST:
            del self._overlaid[next(iter(self._overlaid))]
        self._overlaid[name] = board
        self.lens = replace(self.lens, earlier=True)
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "log_scale" | "cursor" | "zoom" | "pan" | "whole":
                return self._board.batch is not None
            case "log":
                pages = parameters[0]
                return isinstance(pages, int) and self._scrolls(pages) is not None
            case "layers":
                return not (self.has_class("-wide") or self.has_class("-huge"))
            case "next_chart":
                return len(self._views()) > 1
            case "earlier":
                return bool(self._source.earlier or self._overlaid)
        return super().check_action(action, parameters)

    def action_log(self, pages: float) -> None:
        """Scroll the log by pages of its height, and below its end the layers."""
        if found := self._scrolls(pages):
            found.scroll_rows(round(pages * max(1, found.content_size.height - 1)))

    def _scrolls(self, pages: float) -> EventLog | LayerHealthTable | None:
        log, layers = self.query_one(EventLog), self.query_one(LayerHealthTable)
        either = (log, layers) if pages > 0 else (layers, log)
        return next((one for one in either if one.display and one.can_scroll(pages)), None)

    def action_layers(self) -> None:
        """Toggle between layers and log, if there is no room for both."""
        self.toggle_class("-layers")

    def _draw_in_time(self) -> None:
        """Draw now, or during training after a pause proportional to the drawing time."""
        rest = self._rest_until - monotonic()
        if rest <= 0 or self._source.view.state != "training":
            self._draw()
        elif self._waiting is None:
            # The next poll draws, with newer figures; this is for the case that there is none.
            self._waiting = self.set_timer(rest + _LONGEST_REST, self._draw)

    def _draw(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        # The time of this thread alone: the training is no reason to rest.
        began = thread_time()
        self._draw_charts()
        # Smoothed, as a new axis or the first import of plotext takes longer.
        self._cost += 0.2 * (thread_time() - began - self._cost)
        self._rest_until = monotonic() + min(_REST * self._cost, _LONGEST_REST)

    def _draw_charts(self) -> None:
        before = self._source.earlier
        earlier = ({"before": before} if before else {}) | self._overlaid
        loss = self.query_one("#loss", Chart)
        spare = self._cost > _AFFORDABLE and self._source.view.state == "training"
        lens = replace(self.lens, band=not spare)
        for kind in KINDS:
            chart = self.query_one(f"#{kind}", Chart)
            if chart.display:
                # A chart that has just appeared has no size yet; it draws when it gets one.
                rows = max(0, (chart.content_size or loss.content_size).height - 3)
                chart.picture = picture(kind, self._board, rows, lens, earlier)
