"""The keyboard's input: escape is a key whatever follows it, enter whenever it was pressed."""

from __future__ import annotations

import re

from textual import constants

_ESCAPE = "\x1b"
_LONE = re.compile("\x1b(?=[^\\[OP\\]_^X])")
"""An escape followed by what begins none of a terminal's sequences."""
_AS_KEY = _ESCAPE if constants.DISABLE_KITTY_KEY else "\x1b[27u"
"""The escape key in the protocol of kitty, which cannot be taken for the start of a sequence."""


class Keyboard:
    """Rewrites lone escapes in what is read from the terminal.

    Over a slow link, esc and what is typed after it arrive together. Textual would take them for
    alt and a key, or for a sequence that it does not know, of which it shows the characters.

    Enter that was pressed before the app had the terminal arrives as the end of a line.
    """

    def __init__(self) -> None:
        self._rest = ""

    def read(self, text: str) -> str:
        """Return what is to be parsed; an escape at the end waits for what follows it."""
        text = self._rest + text.replace("\n", "\r")
        self._rest = _ESCAPE if text.endswith(_ESCAPE) else ""
        return _LONE.sub(_AS_KEY, text.removesuffix(_ESCAPE))

    def rest(self) -> str:
        """Return the escape that waited, if nothing has followed it."""
        waited, self._rest = self._rest, ""
        return _AS_KEY if waited else ""
