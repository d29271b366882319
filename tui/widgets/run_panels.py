"""The panels of a run: status, figures, verdict, layers and log."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from textwrap import wrap

from textual import events

from cnn_tui.engine.training.events import LayerHealth
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.rows import Line, Run, bar
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.words import clean, clock, figure, fit, percent, short_name

STATE_ROLES = {
    "failed": "error",
    "paused": "warn",
    "done": "good",
    "training": "accent",
    "demo": "accent",
    "demo paused": "warn",
    "played": "good",
}


class RunStatus(Lines):
    """The state of the run; below it two progress bars that never move back, or what is next."""

    run: Shown[RunView] = Shown(RunView())
    next_steps: Shown[tuple[tuple[str, str], ...]] = Shown(())
    """Keys and what they do once the run has ended."""
    differs: Shown[str] = Shown("")
    """How the network in Build differs, shown here while a verdict has the line for it."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        below = self._next(width) if self.run.ended else self._progress(width)
        return [self._state(width), below]

    def _state(self, width: int) -> Line:
        run = self.run
        left = "" if run.seconds_left is None else f"   left {clock(run.seconds_left)}"
        of = f"epoch {run.epoch}/{run.epochs}   " if run.ended and run.epochs else ""
        right = f"{of}time {clock(run.seconds)}{left} "
        usual = clean(self.differs) if run.verdict and self.differs else run.recipe
        hint = keyed(_HINTS.get(run.state, ""))
        words = clean(run.detail) or hint or usual
        word = run.state + (":" if words else "")
        role = STATE_ROLES.get(run.state, "strong")
        room = width - len(word) - 2
        if len(words) + 2 + len(right) > room:
            right = right[len(of) :]
        return (
            (f" {word} ", role),
            (fit(words, room - len(right) - 1) + " ", ""),
            (right, "dim"),
        )

    def _next(self, width: int) -> Line:
        parts: list[Run] = [(" next ", "dim")]
        room = width - len(parts[0][0])
        for key, words in self.next_steps:
            if len(key) + len(words) + 4 > room:
                break
            room -= len(key) + len(words) + 4
            parts += [(f"  {key}", "accent"), (f" {words} ", "")]
        return tuple(parts)

    def _progress(self, width: int) -> Line:
        run = self.run
        of = f"/{run.epochs}" if run.epochs else ""
        if run.by_steps:
            done = (f" step {run.step:,}   epoch {run.epoch}{of}", "dim")
            room = max(8, width - len(done[0]) - 12)
            return (done, *([("   run ", "dim"), *bar(run.progress, room)] if run.epochs else ()))
        labels = f" epoch {run.epoch}{of} ", "   run "
        room = max(8, width - sum(map(len, labels)) - 12)
        return (
            (labels[0], "dim"),
            *bar(run.epoch_progress, room // 2),
            (labels[1], "dim"),
            *bar(run.progress, room - room // 2),
        )


_HINTS = {
    "ready": "{train.start} starts",
    "starting": "reading the data",
    "pausing": "after this batch",
    "stopping": "after this batch",
    "paused": "{train.pause-resume} resumes",
}


class Figures(Lines):
    """Speed, learning rate, L2 loss, best accuracy, and use of the machine."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "figures"

    run: Shown[RunView] = Shown(RunView())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        run = self.run
        speed, steps = "-", run.steps_per_second
        if steps is not None:
            speed = f"{steps:,.0f} steps/s" if steps >= 100 else f"{steps:.3g} steps/s"
        if run.images_per_second is not None:
            speed = f"{run.images_per_second:,.0f} images/s"
        rows = (
            ("speed", speed),
            ("lr", "-" if run.lr is None else f"{run.lr:.4g}"),
            ("L2 loss", "-" if run.l2_loss is None else figure(run.l2_loss)),
            ("best val", run.best or "-"),
            *([("balanced", clean(run.balanced))] if run.balanced else ()),
            ("use", run.usage or "-"),
        )
        # What a run has not told by its end it will never tell.
        return [
            ((f" {label:<9}", "dim"), (value, ""))
            for label, value in rows
            if not (run.ended and value == "-")
        ]


class VerdictLine(Lines):
    """The active alert with its remedy, and how Build differs; the log has the full texts."""

    run: Shown[RunView] = Shown(RunView())
    differs: Shown[str] = Shown("")
    """How the network in Build differs from that of the run."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        rows = self._verdict(width, height)
        if self.differs:
            take = keyed("  {train.to-build} takes the run's over")
            words = fit(f" {clean(self.differs)}", min(len(self.differs) + 1, width - len(take)))
            rows.append(((words, "dim"), (take, "accent")))
        return rows

    def _verdict(self, width: int, height: int) -> list[Line]:
        """Return the alert, cut if necessary, and the remedy in full if there is room."""
        run = self.run
        if not run.verdict:
            return []
        key = keyed(" {train.remedy} ")
        remedy = f"{key}{clean(run.remedy)}" if run.remedy else ""
        if len(remedy) > width * 2 // 3:
            remedy = f"{key}fixes it"
        room = max(8, width - len(remedy) - 2)
        first, *rest = wrap(f"! {clean(run.verdict)}", room) or [""]
        if rest and height < 2:
            first = fit(f"{first} {rest[0]}", room)
        rows: list[Line] = [((f" {first} ", "warn"), (remedy, "accent"))]
        return rows + [((f"   {line}", "warn"),) for line in rest[: height - 1]]


_NAME = 8
_FIGURES = 30
"""Columns of the figures beside the name of a layer."""


class LayerHealthTable(Lines):
    """Zeros, gradient and update:weight of the layers, those in trouble first; it scrolls."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "layers"

    run: Shown[RunView] = Shown(RunView())
    top: Shown[int] = Shown(0)
    """The first visible layer."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        layers = self.run.layers
        longest = max((len(layer.layer) for layer in layers), default=0)
        name = max(_NAME, min(longest, width - _FIGURES))
        room = height - 1
        self._last = max(0, len(layers) - room)
        top = min(self.top, self._last)
        which = f"{room} of {len(layers)}" if len(layers) > room else "layer"
        if top:
            which = f"{top + 1}-{top + room} of {len(layers)}"
        heading = f" {which:<{name}} {'zeros':>5} {'|grad|':>6} {'upd:w':>6}"
        if not layers:
            words = " no such figures were recorded" if self.run.ended else " not measured yet"
            return [((heading, "dim"),), ((words, "dim"),)]
        if top:
            layers = layers[top : top + room]
        elif len(layers) > room:
            troubled = self.run.troubled
            first = sorted(layers, key=lambda layer: layer.layer not in troubled)[:room]
            layers = tuple(layer for layer in layers if layer in first)
        return [((heading, "dim"),), *(self._row(layer, name) for layer in layers)]

    def scroll_rows(self, by: int) -> None:
        """Scroll by layers."""
        self.top = min(max(0, min(self.top, self._last) + by), self._last)

    def can_scroll(self, by: float) -> bool:
        """Whether there are layers in a direction, those below if positive."""
        return self.top < self._last if by > 0 else self.top > 0

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.scroll_rows(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.scroll_rows(1)

    _last = 0

    def _row(self, layer: LayerHealth, name: int) -> Line:
        silent = layer.zeros if layer.zeros is not None else layer.saturated
        figures = (
            f" {percent(silent, 0):>5}"
            f" {_power(layer.gradient_norm):>6} {_power(layer.update_ratio):>6} "
        )
        named = (f" {short_name(clean(layer.layer), name):<{name}}", role_of(layer.type))
        return (named, (figures, ""), self._judged(layer))

    def _judged(self, layer: LayerHealth) -> Run:
        if layer.layer in self.run.troubled:
            return ("!", "warn")
        if layer.dead:
            return (f"{layer.dead:.0%} dead", "warn")
        ratio = layer.update_ratio
        if ratio is not None and not LEAST_RATIO <= ratio <= MOST_RATIO:
            return ("high" if ratio > MOST_RATIO else "low", "warn")
        return ("ok", "good")


LEAST_RATIO, MOST_RATIO = 1e-5, 0.1
"""Values of update:weight outside which a layer is not well, whatever the other layers are."""


def _power(value: float | None) -> str:
    """Return a value as ``1.2e-3``, as far as there is one."""
    if value is None:
        return ""
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{power[0]}{power[1:].lstrip('0') or '0'}" if power else digits


class EventLog(Lines):
    """The events of the run, the newest last; it scrolls back, and then stays where it is."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "log"

    entries: Shown[tuple[tuple[float, str], ...]] = Shown(())
    empty: Shown[str] = Shown("")
    """The text before the first event."""
    top: Shown[int | None] = Shown(None)
    """The first visible row; None follows the newest."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if not self.entries:
            return [((" " + line, "dim"),) for line in wrap(self.empty, max(1, width - 2))]
        rows = [row for entry in self.entries for row in _wrapped(*entry, width)]
        newest = len(rows) - height
        self._newest = max(0, newest)
        if self.top is None or self.top >= newest:
            return rows[-height:]
        count = len(rows) - self.top - height + 1
        later = f" {count} more below " + keyed("({train.log-down}, {train.log-end}) ")
        return [*rows[self.top : self.top + height - 1], ((later.rjust(width), "accent"),)]

    def scroll_rows(self, by: int) -> None:
        """Scroll by rows, towards the newest if positive; at the end it follows again."""
        now = self._newest if self.top is None else self.top
        top = max(0, now + by)
        self.top = None if top >= self._newest else top

    def can_scroll(self, by: float) -> bool:
        """Whether there are rows in a direction, towards the newest if positive."""
        return (
            self.top is not None if by > 0 else (self._newest if self.top is None else self.top) > 0
        )

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.scroll_rows(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.scroll_rows(3)

    _newest = 0


_TIME = 6
"""Columns of a time in the log, with the gap after it."""


@lru_cache(maxsize=1024)
def _wrapped(seconds: float, words: str, width: int) -> list[Line]:
    role = "error" if words.startswith("!") else ""
    first, *rest = wrap(clean(words), max(1, width - _TIME)) or [""]
    return [
        ((f"{clock(seconds):>{_TIME - 1}} ", "dim"), (first, role)),
        *(((" " * _TIME + line, role),) for line in rest),
    ]
