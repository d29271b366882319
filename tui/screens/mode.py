"""The base of the main screens: header, key bar, and a message if the terminal is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.reactive import var
from textual.screen import Screen
from textual.widget import Widget

from cnn_tui.tui.actions import keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.lesson_actions import LESSON
from cnn_tui.tui.widgets.bars import Header, Heading, KeyBar
from cnn_tui.tui.widgets.lines import LEAST, TooSmall

if TYPE_CHECKING:
    from cnn_tui.tui.learn.view import LessonView

_BESIDE = (160, 40)
"""Columns and rows of the least terminal that shows the whole text of a lesson beside a screen."""


class ModeScreen(Screen[None]):
    """A screen with header and key bar, in one of the modes of the header's tabs."""

    MODE = ""
    SCOPES: ClassVar[tuple[str, ...]] = ()
    """The scopes of its keys in the table of commands."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-normal"), (104, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]

    BINDINGS = bindings(LESSON)

    heading: var[Heading] = var(Heading(), init=False)
    lesson: var[LessonView | None] = var(None, init=False)
    """The lesson that is under way."""

    def compose(self) -> ComposeResult:
        self._fit(self.app.size)
        self.set_reactive(ModeScreen.lesson, self._lesson_now())
        self._make_room()
        yield Header(self.MODE)
        yield from self._compose_lesson()
        yield from self.compose_body()
        yield KeyBar(id="keys")
        yield TooSmall()

    def _fit(self, size: Size) -> None:
        """Set the classes of the breakpoints now, so that no widget is laid out twice."""
        sides = (size.width, self.HORIZONTAL_BREAKPOINTS), (size.height, self.VERTICAL_BREAKPOINTS)
        for side, breakpoints in sides:
            self.add_class(max(point for point in breakpoints or () if point[0] <= side)[1])

    def compose_body(self) -> ComposeResult:
        """Yield the widgets between header and key bar."""
        raise NotImplementedError

    def _lesson_now(self) -> LessonView | None:
        lesson: LessonView | None = getattr(self.app, "lesson_shown", None)
        return lesson

    def _compose_lesson(self) -> ComposeResult:
        if self.lesson:
            # Imported late, here and below: few have a lesson under way when they start.
            from cnn_tui.tui.widgets.lesson_panel import LessonPanel

            yield LessonPanel(self.lesson)

    def watch_lesson(self, lesson: LessonView | None) -> None:
        """Show the state of the lesson, or no lesson any more."""
        from cnn_tui.tui.widgets.lesson_panel import LessonPanel

        panels = self.query(LessonPanel)
        for panel in panels:
            panel.view = lesson
        if not panels and self.is_mounted:
            self.mount(*self._compose_lesson(), after=self.query_one(Header))
        self._make_room()
        self.refresh_bindings()

    def _make_room(self) -> None:
        """Tell the styles where a lesson stands: below the header, or beside the screen."""
        is_beside = all(side >= least for side, least in zip(self.app.size, _BESIDE, strict=True))
        self.set_class(bool(self.lesson) and not is_beside, "-taught")
        self.set_class(bool(self.lesson) and is_beside, "-beside")

    def action_back(self) -> None:
        """Close the screen; a main screen says that there is nothing to go back to."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()
        else:
            here = self.MODE.capitalize()
            self.notify(
                f"{here} is a main screen: "
                + keyed("{app.build} to {app.learn} lead to the others, {app.quit} quits.")
            )

    def scroll_rows(self, room: Widget, by: int) -> None:
        """Scroll a part of the screen by rows, or say that there are no more."""
        before = room.scroll_y
        room.scroll_relative(y=by, animate=False, force=True)
        if room.scroll_y == before:
            self.notify("There is nothing more to scroll to.")

    def leave(self) -> None:
        """End what is being typed, before another main screen is shown."""

    def heading_for(self, built: Heading) -> Heading:
        """Return what the header shows, unless it is the network being built."""
        return built

    def present(self) -> None:
        """Show the present state of the model."""

    def on_screen_resume(self) -> None:
        """Draw what may have changed while the screen was covered."""
        self.lesson = self._lesson_now()
        self.present()

    def watch_heading(self, heading: Heading) -> None:
        # There is none yet while the screen opens, and none any more while it closes.
        for header in self.query(Header):
            header.heading = heading

    def on_mount(self) -> None:
        """Show a heading that was set before the header existed."""
        self.query_one(Header).heading = self.heading

    def on_resize(self, event: events.Resize) -> None:
        """Hide everything but a message below the minimum size."""
        small = event.size.width < LEAST.width or event.size.height < LEAST.height
        self.set_class(small, "-too-small")
        self._make_room()
        if not small:
            # Hidden widgets have lost the focus.
            self.call_after_refresh(self._focus_something)

    def _focus_something(self) -> None:
        if self.focused is None and self.AUTO_FOCUS:
            for widget in self.query(self.AUTO_FOCUS):
                widget.focus()
