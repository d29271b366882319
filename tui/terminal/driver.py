"""Textual's driver with less output."""

from __future__ import annotations

import os
from codecs import getincrementaldecoder
from contextlib import suppress
from select import select
from threading import main_thread

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from cnn_tui.tui.terminal.cells import Cells
from cnn_tui.tui.terminal.keyboard import Keyboard
from cnn_tui.tui.terminal.shutdown import LEAVE

_ENTERS, _LEAVES = "\x1b[?1049h", "\x1b[?1049l"


class ThriftyDriver(LinuxDriver):
    """Sends only the cells that changed, and nothing after the alternate screen is left."""

    _cells: Cells | None = None
    _seen_size: os.terminal_size | None = None
    _left = False

    def write(self, data: str) -> None:
        """Write what differs in ``data``; a new size of the terminal forgets its content."""
        if self._writer_died:
            return
        if data == _LEAVES:
            # Textual resets some modes only later, when the shell may have the terminal.
            super().write(LEAVE)
        self._left = data == _LEAVES or (self._left and data != _ENTERS)
        if self._left:
            return
        size = self._size_now()
        if self._cells is None or size != self._seen_size:
            self._cells, self._seen_size = Cells(), size
        reduced = self._cells.reduce(data)
        if reduced:
            super().write(reduced)

    def run_input_thread(self) -> None:
        """Parse what is typed, on a thread of Textual's, until the terminal or the app is gone.

        Nothing waits for an app that ended without stopping its driver: the thread would keep the
        process alive, and read the end of a closed terminal without pause.
        """
        parser, keyboard = XTermParser(self._debug), Keyboard()
        decoder = getincrementaldecoder("utf-8")("replace")
        while not self.exit_event.is_set() and main_thread().is_alive():
            if select([self.fileno], [], [], constants.ESCAPE_DELAY)[0]:
                typed = os.read(self.fileno, 4096)
                if not typed:
                    return
                text = keyboard.read(decoder.decode(typed))
            else:
                text = keyboard.rest()
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)

    def close(self) -> None:
        if self._writer_died:
            self._writer_thread = None
        super().close()

    @property
    def _writer_died(self) -> bool:
        # Textual's thread ends with its terminal, and its full queue would block forever.
        return self._writer_thread is not None and not self._writer_thread.is_alive()

    def forget(self) -> None:
        """Send everything again that is drawn next."""
        self._cells = None

    def _size_now(self) -> os.terminal_size | None:
        # A closed terminal has no size; the signal ends the program.
        with suppress(OSError):
            return os.get_terminal_size(self.fileno)
        return None
