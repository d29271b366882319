"""A screen that lists a folder, and reads it again while it is seen."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import work

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.screens.mode import ModeScreen
from cnn_tui.tui.threads import in_thread, run_in_thread

Read = TypeVar("Read")


class FolderScreen(ModeScreen, Generic[Read]):
    """Reads on a thread, as the folder may be large or far away; other processes write it."""

    LOOK: ClassVar[float]
    """Seconds between two reads."""
    _known = False
    """Whether the folder was read."""
    _reading = False

    def _read(self) -> Read:
        """Read the folder, on a thread."""
        raise NotImplementedError

    def _listed(self, read: Read) -> None:
        """Show what was read."""
        raise NotImplementedError

    def _listed_first(self) -> None:
        """Do what follows the first time."""

    def watch_folder(self) -> None:
        """Begin to read; to be called once the screen is there."""
        self._reading = True
        self._look_first()
        self.set_interval(self.LOOK, self._look_if_seen)

    @work
    async def _look_first(self) -> None:
        """Read the folder while keys wait: there is nothing yet that they could act on."""
        try:
            self._take(await in_thread(self, self._read))
        except CnnTuiError as error:
            self._miss(error)
        self._listed_first()

    def on_screen_resume(self) -> None:
        self.look()

    def _look_if_seen(self) -> None:
        if self.is_current:
            self.look()

    def look(self) -> None:
        """Read the folder again."""
        if not self._reading:
            self._reading = True
            run_in_thread(self, self._read, self._take, self._miss)

    def _take(self, read: Read) -> None:
        self._known, self._reading = True, False
        self._listed(read)

    def _miss(self, error: CnnTuiError) -> None:
        self._reading = False
        complain(self.app, error)
