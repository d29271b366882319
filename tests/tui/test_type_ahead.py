"""Typing ahead: what follows a key that opens something goes into that, on every screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from driving import typed

from cnn_tui.tui.app import CnnTuiApp

MakeApp = Callable[..., CnnTuiApp]


@pytest.mark.parametrize("keys", [[*"olenet5", "enter"]])
async def test_a_preset_is_opened_by_typing_without_a_pause(
    make_app: MakeApp, keys: Sequence[str]
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, *keys)
        assert app.builder.network.name == "lenet5"
