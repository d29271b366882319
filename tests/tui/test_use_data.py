"""The datasets on F6: enter uses one for the network in Build."""

from __future__ import annotations

from collections.abc import Callable

from driving import text

from cnn_tui.engine.specs.presets import load_preset


async def test_enter_uses_the_dataset_and_u_takes_it_back(make_app: Callable) -> None:
    before = load_preset("digits-convnet")
    app = make_app(before)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f6", "enter")
        assert "has this data already" in told(app)
        await pilot.press("down", "enter")
        network = app.builder.network
        assert (network.data, network.input, network.layers[-1].out_features) == (
            "shapes",
            (3, 32, 32),
            10,
        )
        assert "takes shapes now, 3x32x32" in told(app)
        await pilot.press("escape", "u")
        assert app.builder.network == before
        assert "digits" in text(app, "#layers")


def told(app: object) -> str:
    return "\n".join(one.message for one in app._notifications)
