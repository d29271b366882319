"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, total)``, often, from the thread that works. An exception
that it raises ends the work and leaves nothing half-done."""
