"""Loads what the first paint did without, behind it: the other screens, NumPy, plotext.

A thread imports, so that a key waits for half a millisecond at most and not for NumPy. Only the
styles have to be read by the thread of the screen.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from threading import Event, Thread

from cnn_tui.tui import screens

MODULES = (
    *(f"{screens.__name__}.{file}" for file in dict.fromkeys(screens.FILES.values())),
    "cnn_tui.engine.runs.recorder",
    "cnn_tui.engine.training.trainer",
    "plotext",
)
"""Everything that a key may call for, in about the order in which one would."""


class WarmUp:
    """At most one pass over ``MODULES``; ``done`` is called on its thread."""

    def __init__(self, done: Callable[[], object]) -> None:
        self._done = done
        self._ending = Event()
        self._thread = Thread(target=self._run, name="warm-up", daemon=True)

    def start(self) -> None:
        """Begin to import."""
        self._thread.start()

    def end(self) -> None:
        """Wait for the module that is being loaded: to stop the process inside one may crash it."""
        self._ending.set()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        try:
            for name in MODULES:
                if self._ending.is_set():
                    return
                import_module(name)
        finally:
            _let_python_collect()
        self._done()


def _let_python_collect() -> None:
    # Only in a process of the app's own, which has turned it off.
    if not gc.isenabled():
        # What was imported stays: to look through it would hold up a key for 50 ms each time.
        gc.freeze()
        gc.enable()
