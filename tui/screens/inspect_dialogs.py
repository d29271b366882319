"""What Inspect asks for and writes: an image, a run, data, a file, a run without some filters."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import work

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.inspect.answers import image_of, require_data
from cnn_tui.tui.inspect.place import Place
from cnn_tui.tui.inspect.source import Finding, Inspector, SavedSource
from cnn_tui.tui.inspect.table import View
from cnn_tui.tui.screens.dialog import Prompt
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.run_picker import pick_run
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.training import Training


class InspectDialogs(ModeScreen):
    """The base of Inspect: what is looked into, and the questions about it."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        self._training = training
        self._inspector: Inspector | None = None
        self._found: Finding | None = None
        self._place = Place()

    @property
    def view(self) -> View:
        """The chosen view."""
        raise NotImplementedError

    def look(self, *, start: bool = False) -> None:
        """Show the chosen view; ``start`` begins one that takes long."""
        raise NotImplementedError

    def open_source(self, source: SavedSource) -> None:
        """Look into another run, or with other data."""
        raise NotImplementedError

    def open(self, folder: RunFolder) -> None:
        """Look into a run of the list."""
        self.open_source(SavedSource(folder))

    @work
    async def action_choose_image(self) -> None:
        images = self._inspector.facts.images if self._inspector and self._inspector.facts else 0
        numbers = f"a number from 0 to {images - 1:,}, or " if images else ""
        about = f"{numbers}the path of a picture"
        answer = await self.app.push_screen_wait(
            Prompt("Image", "", partial(image_of, images=images), about)
        )
        if answer:
            self._place.choose_image(image_of(answer, images))
            self.look()

    @work
    async def action_save(self) -> None:
        """Write the view to a file."""
        found, view = self._found, self.view
        if found is None:
            return
        from cnn_tui.tui.inspect.saved import save

        name = f"{found.facts.name}-{view.name}.{'svg' if found.seen.pixels() is None else 'png'}"
        heading = f"{found.facts.name}, {found.facts.state}: {view.name}"
        prompt = Prompt(
            "Save the picture",
            name,
            lambda text: save(found.seen, Path(text).expanduser(), heading),
            "a .png file for the pictures, or .svg for everything",
        )
        answer = await self.app.push_screen_wait(prompt)
        if answer:
            self.notify(f"{Path(answer).expanduser()} is written.", markup=False)

    @work
    async def action_choose_run(self) -> None:
        none = keyed("There is no run to look into: {build.train} trains one.")
        root = self._training.places.runs
        if chosen := await pick_run(self, root, "Look into", none):
            self.open(RunFolder(root / chosen))

    @work
    async def action_choose_data(self) -> None:
        """Look with other data, or with the run's own in another folder."""
        source = self._inspector.source if self._inspector else None
        if not isinstance(source, SavedSource):
            return
        about = "a folder or file, or the name of a dataset"
        answer = await self.app.push_screen_wait(Prompt("Data", "", require_data, about))
        if answer:
            self.open_source(source.with_data(answer))

    def action_keep(self) -> None:
        """Keep the network without the filters as a run."""
        if self._inspector:
            wanted = self._place.wanted_by(self.view, self._inspector.facts)
            job = partial(self._inspector.keep, self._place.state, wanted)
            run_in_thread(self, job, self._kept, partial(complain, self.app))

    def _kept(self, folder: RunFolder) -> None:
        self.notify(f"{folder.name} is the network without them; it can be trained and inspected.")
