"""Widgets of rows: what their height follows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from cnn_tui.tui.rows import Line
from cnn_tui.tui.widgets.lines import Lines, TextLines


class _Below(Lines):
    """One row, which shows where the widget above it ends."""

    DEFAULT_CSS = "_Below { height: 1; }"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return [(("below", ""),)]


class _App(App[None]):
    CSS = "TextLines { height: auto; min-height: 1; max-height: 4; }"

    def compose(self) -> ComposeResult:
        yield TextLines()
        yield _Below()


def _rows(count: int) -> tuple[Line, ...]:
    return tuple(((f"row {at}", ""),) for at in range(count))


@pytest.mark.parametrize("counts", [(0, 3, 1), (2, 9, 0, 4)])
async def test_a_height_auto_follows_the_rows(counts: tuple[int, ...]) -> None:
    app = _App()
    async with app.run_test(size=(40, 10)) as pilot:
        for count in counts:
            app.query_one(TextLines).rows = _rows(count)
            await pilot.pause()
            assert app.query_one(_Below).region.y == max(1, min(count, 4))


async def test_as_many_rows_are_no_new_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    app = _App()
    async with app.run_test(size=(40, 10)) as pilot:
        text = app.query_one(TextLines)
        text.rows = _rows(7)
        await pilot.pause()
        laid_out: list[bool] = []
        refresh = text.refresh
        monkeypatch.setattr(
            text, "refresh", lambda *a, **k: (laid_out.append(k.get("layout", False)), refresh(*a))
        )
        text.rows = (*_rows(6), (("another", ""),))
        text.rows = ((("first", ""),), *_rows(6))
        assert laid_out and not any(laid_out)
