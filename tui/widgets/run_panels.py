"""The panels of a run: status, figures, verdict, layers and log."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from cnn_tui.engine.training.events import LayerHealth
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.rows import Line, bar
from cnn_tui.tui.widgets.lines import Lines, Shown
from cnn_tui.tui.words import clean, clock, fit, percent

STATE_ROLES = {"failed": "error", "paused": "warn", "done": "good", "training": "accent"}


class RunStatus(Lines):
    """The state of the run and two progress bars that never move back."""

    run: Shown[RunView] = Shown(RunView())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return [self._state(width), self._progress(width)]

    def _state(self, width: int) -> Line:
        run = self.run
        left = "" if run.seconds_left is None else f"   left {clock(run.seconds_left)}"
        right = f"time {clock(run.seconds)}{left} "
        words = clean(run.detail) or _HINTS.get(run.state, "")
        word = run.state + (":" if words else "")
        room = width - len(right) - len(word) - 2
        role = STATE_ROLES.get(run.state, "strong")
        return ((f" {word} ", role), (fit(words, room - 1) + " ", ""), (right, "dim"))

    def _progress(self, width: int) -> Line:
        run = self.run
        of = f"/{run.epochs}" if run.epochs else ""
        labels = f" epoch {run.epoch}{of} ", "   run "
        room = max(8, width - sum(map(len, labels)) - 12)
        return (
            (labels[0], "dim"),
            *bar(run.epoch_progress, room // 2),
            (labels[1], "dim"),
            *bar(run.progress, room - room // 2),
        )


_HINTS = {
    "ready": "F5 starts",
    "starting": "reading the data",
    "pausing": "after this batch",
    "stopping": "after this batch",
    "paused": "space resumes",
}


class Figures(Lines):
    """Speed, learning rate, L2 loss, best accuracy, and use of the machine."""

    run: Shown[RunView] = Shown(RunView())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        run = self.run
        speed = "-" if run.images_per_second is None else f"{run.images_per_second:,.0f} images/s"
        rows = (
            ("speed", speed),
            ("lr", "-" if run.lr is None else f"{run.lr:.4g}"),
            ("L2 loss", "-" if run.l2_loss is None else f"{run.l2_loss:.4f}"),
            ("best val", run.best or "-"),
            ("use", run.usage or "-"),
        )
        return [((f" {label:<9}", "dim"), (value, "")) for label, value in rows]


class VerdictLine(Lines):
    """The active alert in one line; the log has its full text."""

    run: Shown[RunView] = Shown(RunView())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the alert, cut if necessary, and the remedy in full if there is room."""
        run = self.run
        if not run.verdict:
            return []
        remedy = f" r {clean(run.remedy)}" if run.remedy else ""
        if len(remedy) > width * 2 // 3:
            remedy = " r fixes it"
        words = fit(f" ! {clean(run.verdict)}", max(0, width - len(remedy) - 1))
        return [((words, "warn"), (remedy, "accent"))]


_NAME = 10


class LayerHealthTable(Lines):
    """Zeros, gradient and update:weight of the layers, those in trouble first."""

    run: Shown[RunView] = Shown(RunView())

    def lines(self, width: int, height: int) -> Sequence[Line]:
        heading = f" {'layer':<{_NAME}} {'zeros':>5} {'|grad|':>7} {'upd:w':>7}"
        layers = self.run.layers
        if not layers:
            return [((heading, "dim"),), ((" not measured yet", "dim"),)]
        room = height - 1
        if len(layers) > room:
            troubled = self.run.troubled
            first = sorted(layers, key=lambda layer: layer.layer not in troubled)[:room]
            layers = tuple(layer for layer in layers if layer in first)
        return [((heading, "dim"),), *(self._row(layer) for layer in layers)]

    def _row(self, layer: LayerHealth) -> Line:
        silent = layer.zeros if layer.zeros is not None else layer.saturated
        figures = (
            f" {fit(clean(layer.layer), _NAME)} {percent(silent, 0):>5}"
            f" {_power(layer.gradient_norm):>7} {_power(layer.update_ratio):>7} "
        )
        if layer.layer in self.run.troubled:
            return ((figures, ""), ("!", "warn"))
        if layer.dead:
            return ((figures, ""), (f"{layer.dead:.0%} dead", "warn"))
        return ((figures, ""), ("ok", "good"))


def _power(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


class EventLog(Lines):
    """The latest events of the run, the newest last."""

    entries: Shown[tuple[tuple[float, str], ...]] = Shown(())
    empty: Shown[str] = Shown("")
    """The text before the first event."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if not self.entries:
            return [((" " + line, "dim"),) for line in wrap(self.empty, max(1, width - 1))]
        rows = [row for entry in self.entries[-height:] for row in _wrapped(*entry, width)]
        return rows[-height:]


def _wrapped(seconds: float, words: str, width: int) -> list[Line]:
    role = "error" if words.startswith("!") else ""
    first, *rest = wrap(clean(words), max(1, width - 7)) or [""]
    return [
        ((f"{clock(seconds):>5}  ", "dim"), (first, role)),
        *((((" " * 7) + line, role),) for line in rest),
    ]
