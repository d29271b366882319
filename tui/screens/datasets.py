"""The datasets: their images, and the download of missing ones."""

from __future__ import annotations

import threading
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from cnn_tui.engine.data.sources import FOLDER, IMAGENET, OWN, SOURCES, within
from cnn_tui.engine.errors import CnnTuiError, DataError
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.tui.actions import DATA, keyed
from cnn_tui.tui.bindings import bindings
from cnn_tui.tui.dataset_rows import COLUMNS, row_of, ways_to_get
from cnn_tui.tui.messages import DataWanted
from cnn_tui.tui.rows import bar
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.starting import ask_for_data
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.training import Places
from cnn_tui.tui.widgets.bars import Heading
from cnn_tui.tui.widgets.lines import TextLines
from cnn_tui.tui.widgets.table import Table
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from pathlib import Path

    from cnn_tui.engine.data.catalog import DatasetEntry
    from cnn_tui.engine.data.dataset import Dataset
    from cnn_tui.engine.data.sources import Progress
    from cnn_tui.engine.data.statistics import Statistics

_SIDES = {False: 10, True: 22}
"""Longest side of a picture in characters, on low and on high screens."""
_REST = 0.15
"""Seconds that the cursor rests on a dataset before it is read."""
_ELSEWHERE = (*SOURCES, IMAGENET)
"""Datasets that do not come with the program."""
_MOST_KNOWN = 3
"""Datasets that are kept in memory."""


DataView = Literal["samples", "classes", "augmented"]


class DataScreen(ModeScreen):
    """Shows samples of the selected dataset, its classes, and what augmentation makes of it.

    Loading and downloading run on a thread.
    """

    CSS_PATH = "runs.tcss"
    SCOPES = (DATA,)
    BINDINGS = bindings(DATA)
    AUTO_FOCUS = "Table"

    def __init__(
        self,
        mode: str,
        places: Places,
        first: str = "",
        *,
        recipe: Recipe | None = None,
        fetch: bool = False,
    ) -> None:
        super().__init__()
        self.MODE, self._places = mode, places
        self._recipe = recipe or Recipe()
        """The recipe whose augmentation is shown."""
        self._view: DataView = "samples"
        self._used, self._fetch_first = first, fetch
        """The dataset of the network, selected first, and whether to download it at once."""
        self._own: Path | None = None
        """The path that the network names as its data."""
        self._entries: dict[str, DatasetEntry] = {}
        self._shown: tuple[Dataset, Statistics] | None = None
        self._page = 0
        self._known: dict[tuple[str, Path | None], tuple[Dataset, Statistics]] = {}
        """What was read, by the name and the folder that was given for it."""
        self._resting: Timer | None = None
        self._stop: threading.Event | None = None
        self._progress = ("", 0, 1)
        self._words = ""
        self._wanted = ""
        """The dataset that is read; what is read of another one is given up."""

    def compose_body(self) -> ComposeResult:
        yield Table(COLUMNS, title="datasets", id="datasets")
        yield TextLines(id="dataset")
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="samples")
            yield TextLines(id="classes")

    def on_mount(self) -> None:
        super().on_mount()
        from cnn_tui.engine.data.catalog import locate

        self.heading = Heading("datasets")
        self._used, self._own = locate(self._used, None)
        self._list()
        if self._used in self._entries:
            self.query_one(Table).cursor = list(self._entries).index(self._used)
            self._chosen()
        if self._fetch_first:
            self.action_fetch()
        self.set_interval(0.25, self._look)

    def on_unmount(self) -> None:
        """Stop a download, and what is read; the partial files are kept."""
        self._wanted = ""
        if self._stop:
            self._stop.set()

    def _list(self) -> None:
        # Imported late, here and below: only data that is shown needs NumPy.
        from cnn_tui.engine.data.catalog import entries

        # One's own data stand before those that have to be downloaded, of which there are many.
        listed = sorted(entries(self._folder_of), key=lambda entry: entry.name in _ELSEWHERE)
        self._entries = {entry.name: entry for entry in listed}
        given = (self._folder_of(entry.name) is not None for entry in listed)
        self.query_one(Table).records = tuple(map(row_of, listed, given))
        self._chosen()

    @on(Table.Highlighted)
    def _chosen(self) -> None:
        entry = self._entries[self.query_one(Table).chosen]
        self._shown, self._page = None, 0
        self.query_one("#samples", Static).update("")
        self._wanted = entry.name
        if self._resting:
            self._resting.stop()
        if entry.ready:
            self._words = "reading..."
            self._resting = self.set_timer(_REST, partial(self._read, entry.name))
        else:
            self._words = ways_to_get(entry)
        self._look()
        self.refresh_bindings()

    def _folder_of(self, name: str) -> Path | None:
        """The folder that was given for a dataset, or the path that is the network's data."""
        given = self._places.data_of(name)
        return self._own if name == FOLDER and given is None else given

    def _read(self, name: str) -> None:
        """Read a dataset on a thread, unless it was read before."""
        key = name, self._folder_of(name)
        if key in self._known:
            self._show_measured(key, self._known[key])
        else:
            read = partial(_measured, *key, partial(self._tell_read, name))
            failed = partial(self._fail, of=name)
            run_in_thread(self, read, partial(self._show_measured, key), failed)

    def _tell_read(self, name: str, what: str, done: int, total: int) -> None:
        """Take the progress of a dataset that is read, on its thread."""
        if name != self._wanted:
            raise DataError(f"The dataset {name} is no longer wanted.")
        self._words = f"{what}: {done:,} of {total:,}" if done < total else "reading..."

    def _show_measured(
        self, key: tuple[str, Path | None], shown: tuple[Dataset, Statistics]
    ) -> None:
        from cnn_tui.tui.samples import summary_of

        name, folder = key
        self._known[key] = shown
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        if self.is_mounted and name == self.query_one(Table).chosen:
            self._shown = shown
            place = f", in {clean(str(within(name, folder)))}" if folder else ""
            self._words = summary_of(shown[1]) + place
            self._draw()
            self._look()

    def _fail(self, error: CnnTuiError, of: str = "") -> None:
        if of and of != self._wanted:
            return
        self._stop = None
        self._words = clean(str(error))
        self._look()
        self.refresh_bindings()

    def _draw(self) -> None:
        from cnn_tui.tui.samples import augmented_sheet, class_rows, looks_in, sample_sheet

        if not self._shown:
            return
        room = self.query_one("#sheet").content_size.width - 2
        looks = looks_in(self.app, _SIDES[self.size.height >= 36])
        samples, classes = self.query_one("#samples", Static), self.query_one("#classes", TextLines)
        classes.display = self._view == "classes"
        samples.display = not classes.display
        if self._view == "classes":
            classes.rows = tuple(class_rows(self._shown[1], room))
        elif self._view == "augmented":
            samples.update(augmented_sheet(self._shown, self._recipe, self._page, looks, room))
        else:
            samples.update(sample_sheet(*self._shown, self._page, looks))

    def _look(self) -> None:
        if not self.is_mounted:
            return
        lines = self.query_one("#dataset", TextLines)
        if self._stop is None:
            room = max(20, self.size.width - 2)
            texts = [wrap(line, room, initial_indent=" ") for line in self._words.splitlines()]
            lines.rows = tuple(((line, "dim"),) for text in texts for line in text)
            return
        what, done, total = self._progress
        figures = (f" {what} {done / 1e6:,.1f} of {total / 1e6:,.1f} MB ", "")
        lines.rows = ((figures, *bar(done / max(1, total), 24)),)

    def action_use(self) -> None:
        self._used = self.query_one(Table).chosen
        self.post_message(DataWanted(self._used))

    def action_fetch(self) -> None:
        """Download the selected dataset, or its missing files."""
        from cnn_tui.engine.data.fetch import fetch

        entry = self._entries[self.query_one(Table).chosen]
        if self._stop or entry.ready or not entry.download_bytes:
            return
        stop = self._stop = threading.Event()
        self._progress = ("connecting", 0, entry.download_bytes)

        def tell(what: str, done: int, total: int) -> None:
            self._progress = (what, done, total)

        run_in_thread(
            self, lambda: fetch(entry.name, progress=tell, stop=stop), self._fetched, self._fail
        )
        self.refresh_bindings()

    def _fetched(self, folder: Path) -> None:
        self._stop = None
        if self.is_mounted:
            self._list()

    @work
    async def action_give_folder(self) -> None:
        """Ask where the chosen dataset is; what is built in needs no folder, one's own does."""
        chosen = self.query_one(Table).chosen
        name = chosen if chosen in (*SOURCES, *OWN) else FOLDER
        if await ask_for_data(self.app, name, self._places) and self.is_mounted:
            self._list()
            self.query_one(Table).choose(name)
            self._chosen()

    def action_cancel(self) -> None:
        if self._stop:
            self._stop.set()

    def action_more(self) -> None:
        if self._view == "classes":
            self._view = "samples"
        self._page += 1
        self._draw()

    def action_view(self, name: DataView) -> None:
        """Show the classes, or what augmentation does; again for the samples."""
        from cnn_tui.engine.data.preview import changes

        if name == "augmented":
            made = changes(self._recipe)
            if not made:
                self.notify(
                    keyed(
                        "The recipe of the network changes no images: flip, shift, rotate, scale "
                        "and others are set in its form, which {list.recipe} opens in Build."
                    ),
                    title="No augmentation",
                )
                return
            if self._view != name:
                self.notify(", ".join(made), title="Augmentation of the recipe")
        self._view = "samples" if self._view == name else name
        self.query_one("#sheet").scroll_home(animate=False)
        self._draw()

    def action_scroll(self, by: int) -> None:
        self.scroll_rows(self.query_one("#sheet"), by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return super().check_action(action, parameters)
        chosen, idle = self.query_one(Table).chosen, self._stop is None
        entry = self._entries.get(chosen)
        match action:
            case "cancel":
                return not idle
            case "use":
                return chosen != self._used
            case "give_folder":
                return idle
            case "more" | "view":
                return entry is not None and entry.ready
            case "fetch":
                return entry is not None and not entry.ready and entry.download_bytes > 0 and idle
        return super().check_action(action, parameters)


def _measured(name: str, folder: Path | None, progress: Progress) -> tuple[Dataset, Statistics]:
    from cnn_tui.engine.data.catalog import load_dataset
    from cnn_tui.engine.data.statistics import measure
    from cnn_tui.engine.data.understanding import form_of

    dataset = load_dataset(name, folder, progress=progress)
    return dataset, measure(dataset, form_of(name, folder))
