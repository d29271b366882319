"""What a sweep file would run: shown, with a forecast, before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError, SpecError
from cnn_tui.engine.formats import SWEEP_FILE
from cnn_tui.engine.specs.codec import parse_toml
from cnn_tui.engine.specs.files import read_text
from cnn_tui.engine.sweeps.plan import SweepPlan, sweep_presets
from cnn_tui.engine.sweeps.trying import look_at
from cnn_tui.tui.rows import Item, Line
from cnn_tui.tui.screens.dialog import Dialog, TitledWindow
from cnn_tui.tui.screens.forecast import images_of
from cnn_tui.tui.sweeps.preview import Said, in_rows, look_rows, plan_rows
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.scrolled import ScrolledLines
from cnn_tui.tui.words import clean, clock

_MOST_FILES, _MOST_BYTES = 200, 1 << 16
"""Files of the present folder that are looked into, and their size."""


def sweep_items() -> list[Item]:
    """Return the sweep files of this folder, then those of the package, with what they say."""
    here = {str(path): path for path in sorted(Path().glob("*.toml"))[:_MOST_FILES]}
    about = {name: _about(path) for name, path in (*here.items(), *sweep_presets().items())}
    return [Item(name, clean(words)) for name, words in about.items() if words]


def _about(path: Path) -> str:
    """Return the description of a sweep file; empty if it is not one."""
    try:
        data = parse_toml(read_text(path, _MOST_BYTES), str(path), SWEEP_FILE)
    except SpecError:
        return ""
    return str(data.get("description") or data.get("base")) if "space" in data else ""


class PlanRows(ScrolledLines):
    """The plan, and below it what is found out about it."""

    def __init__(self, plan: SweepPlan) -> None:
        super().__init__()
        self._plan = plan
        self._found: list[Said] = []

    def all_lines(self, width: int) -> Sequence[Line]:
        return list(in_rows([*plan_rows(self._plan), *self._found], width))

    def add(self, rows: Sequence[Said]) -> None:
        """Show more rows at the end."""
        self._found += rows
        self.redraw()


class SweepPlanDialog(Dialog[bool]):
    """Checks points and measures the base as soon as it opens; the result is whether to start."""

    BINDINGS = [
        Binding("enter,f5", "finish(True)", "start", show=False),
        Binding("q", "finish", "close", show=False),
    ]
    escaped = False

    def __init__(self, plan: SweepPlan) -> None:
        super().__init__()
        self._plan = plan
        self._cancelled = Event()

    def compose(self) -> ComposeResult:
        with TitledWindow(self._plan.name, classes="forecast"):
            if self._plan.description:
                yield Static(clean(self._plan.description), classes="asked", markup=False)
            yield PlanRows(self._plan)
            yield Static("enter starts it, esc goes back", classes="hint")

    def on_mount(self) -> None:
        show = self.query_one(PlanRows).add
        run_in_thread(self, self._checked, show, self._fail)
        run_in_thread(self, self._forecast, show, self._fail)

    def on_unmount(self) -> None:
        self._cancelled.set()

    def _checked(self) -> list[Said]:
        return look_rows(look_at(self._plan))

    def _forecast(self) -> list[Said]:
        # NumPy takes longer to import than the first screen may take.
        from cnn_tui.engine.profile import probe

        plan, base = self._plan, self._plan.network({})
        images = images_of(base)
        measured = probe(base, cancelled=self._cancelled.is_set) if images else None
        if measured is None or images is None:
            return []
        images = min(images, base.training.limit or images)
        seconds = measured.epoch_seconds(images) * plan.epochs * plan.trials * plan.search.seeds
        words = f"about {clock(seconds)} on this machine, if all trials took as long as the base"
        return [Said("time", words)]

    def _fail(self, error: CnnTuiError) -> None:
        self.query_one(PlanRows).add([Said("", str(error), "error")])
