"""Commands on one run: annotate, delete, resume, reproduce; and on the bin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.content import Content
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs import manage
from cnn_tui.engine.runs.cleanup import Reclaimable, clean_up, list_bin, spares
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import RunEntry
from cnn_tui.engine.runs.reproduction import plan_again
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.history.amending import amend, choices
from cnn_tui.tui.history.run_rows import SPARE_KEYS, binned_words, spare_words
from cnn_tui.tui.messages import ReproduceRun
from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.dialog import Answer, Picker, Prompt, Question
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.screens.resuming import ask_how_to_resume
from cnn_tui.tui.threads import in_thread, run_in_thread
from cnn_tui.tui.widgets.inputs import EntryInput
from cnn_tui.tui.words import clean, megabytes


class RunChanges(ModeScreen, inherit_bindings=False):
    """A screen with commands on the run under the cursor and on the bin."""

    _root: Path

    @property
    def _entry(self) -> RunEntry | None:
        raise NotImplementedError

    def look(self) -> None:
        """Read the folder again."""
        raise NotImplementedError

    @property
    def _folder(self) -> RunFolder | None:
        return RunFolder(Path(self._entry.path)) if self._entry else None

    @work
    async def action_tag(self) -> None:
        entry, folder = self._entry, self._folder
        if entry and folder:
            await self._ask(
                f"Tags of {entry.name}",
                " ".join(entry.tags),
                lambda text: manage.annotate(
                    folder, tags=() if text == "-" else tuple(text.split())
                ),
                "words, - for none",
            )

    @work
    async def action_note(self) -> None:
        entry, folder = self._entry, self._folder
        if entry and folder:
            await self._ask(
                f"Note on {entry.name}",
                entry.note,
                lambda text: manage.annotate(folder, note="" if text == "-" else text),
                "a text, - for none",
            )

    @work
    async def action_rename(self) -> None:
        folder = self._folder
        if folder:
            await self._ask(
                f"Rename {folder.name}",
                folder.name,
                lambda name: name == folder.name or manage.rename_run(folder, name),
            )

    async def _ask(
        self, title: str, value: str, change: Callable[[str], object], about: str = ""
    ) -> None:
        """Ask for a text, which stays in its line with the reason if the change fails."""
        if await self.app.push_screen_wait(Prompt(title, value, change, about)):
            self.look()

    @work
    async def action_delete(self) -> None:
        folder = self._folder
        if folder is None:
            return
        question = Question(f"Delete {folder.name}?", [Answer("y", "move it to the bin")])
        if await self.app.push_screen_wait(question) == "y" and self._do(
            lambda: manage.delete_run(folder)
        ):
            self.notify(keyed("Moved to the bin; {runs.bin} restores it."))

    @work
    async def action_bin(self) -> None:
        """Restore a run from the bin."""
        items = [Item(run.name, binned_words(run)) for run in list_bin(self._root)]
        if not items:
            self.notify("The bin is empty.")
            return
        name = await self.app.push_screen_wait(Picker("In the bin; enter restores it", items))
        if name and self._do(lambda: manage.restore_run(self._root, name)):
            self.notify(f"{name} is restored.")

    @work
    async def action_clean(self) -> None:
        """List reclaimable files and delete them after asking."""
        try:
            reclaimable = await in_thread(self, lambda: spares(self._root))
        except CnnTuiError as error:
            self._fail(error)
            return
        await self._ask_what_to_delete(reclaimable)

    async def _ask_what_to_delete(self, reclaimable: tuple[Reclaimable, ...]) -> None:
        if not reclaimable:
            self.notify("There is nothing to clean up.")
            return
        answers = [
            Answer(SPARE_KEYS[files.kind], f"{spare_words(files)}: {megabytes(files.bytes)} MB")
            for files in reclaimable
        ]
        total = megabytes(sum(files.bytes for files in reclaimable))
        if len(reclaimable) > 1:
            answers.append(Answer("a", f"all of these: {total} MB"))
        key = await self.app.push_screen_wait(Question("Delete for good", answers))
        chosen = [files for files in reclaimable if key in (SPARE_KEYS[files.kind], "a")]
        if chosen:
            run_in_thread(self, lambda: clean_up(chosen), self._cleaned, self._fail)

    def _cleaned(self, freed: int) -> None:
        self.notify(f"{megabytes(freed)} MB freed.")
        self.look()

    def _fail(self, error: CnnTuiError) -> None:
        complain(self.app, error)

    @work
    async def action_resume(self) -> None:
        """Resume the run in this app; a complete one to a later epoch."""
        await self._resume()

    @work
    async def action_go_back(self) -> None:
        """Resume the run in this app from one of its checkpoints."""
        await self._resume(choose=True)

    async def _resume(self, *, choose: bool = False) -> None:
        if self._folder:
            wanted = await ask_how_to_resume(self.app, self._folder, choose=choose)
            if wanted:
                self.post_message(wanted)

    @work
    async def action_reproduce(self) -> None:
        """Reproduce the run, unchanged or with one setting changed."""
        folder = self._folder
        if folder is None:
            return
        try:
            dialog = ReproduceDialog(folder.name, folder.network())
            answer = await self.app.push_screen_wait(dialog)
            if answer:
                name, _, value = answer.partition("=")
                network, again = plan_again(folder, None if answer == SAME else (name, value))
                self.post_message(ReproduceRun(folder, network, again))
        except CnnTuiError as error:
            complain(self.app, error)

    def _do(self, change: Callable[[], object]) -> bool:
        try:
            change()
        except CnnTuiError as error:
            complain(self.app, error)
            return False
        self.look()
        return True


SAME = "="
"""The result for an unchanged run."""


class ReproduceDialog(Picker):
    """Returns the change of a reproduction: ``NAME=VALUE``, :data:`SAME`, or empty for escape."""

    KEYS = "enter trains, esc goes back"

    def __init__(self, run: str, network: Network) -> None:
        super().__init__(f"Reproduce {run}", ())
        self._network = network
        self.placeholder = "unchanged, or a setting=value, such as lr=0.01"

    def filter(self, text: str) -> None:
        """Show the settings that match, and what the value would change."""
        settings = [Item(path, clean(value)) for path, value in choices(self._network, text)]
        self.fill(settings, highlight=bool(text))
        amendment = amend(self._network, text)
        role = "$error" if amendment.wrong and "=" in text else "$text-muted"
        self.query_one(".detail", Static).update(Content.assemble((clean(amendment.words), role)))

    def submit(self, text: str) -> None:
        """Put the highlighted setting into the line, or return what is typed if it is valid."""
        amendment = amend(self._network, text)
        if "=" not in text and self.highlighted:
            self.pick(self.highlighted)
        elif not amendment.wrong:
            self.action_finish(f"{amendment.path}={amendment.value}" if amendment.path else SAME)

    def pick(self, key: str) -> None:
        """Put a setting into the line."""
        entry = self.query_one(EntryInput)
        entry.value = f"{key}="
        entry.cursor_position = len(entry.value)

    def highlight(self, key: str) -> None:
        """Leave the line below the list to the amendment."""
