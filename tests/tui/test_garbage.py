"""Garbage is collected in the pauses between keys."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from cnn_tui.tui import quick_app


async def test_it_is_collected_after_the_last_of_some_keys(
    make_app: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()
    # As in the app's own process.
    monkeypatch.setattr(gc, "get_threshold", lambda: (quick_app._MANY_OBJECTS, 20, 100))
    monkeypatch.setattr(quick_app, "_PAUSE", 3600)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        waiting = app._collecting
        assert waiting is not None and not waiting.cancelled()
        monkeypatch.setattr(quick_app, "_PAUSE", 0)
        monkeypatch.setattr(gc, "collect", lambda generation: done.set())
        await pilot.press("up")
        await done.wait()
    assert waiting.cancelled()
