"""Settings that are given and have no effect are told."""

from __future__ import annotations

import pytest

from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.specs.unused import unused_settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"optimizer": "sgd", "momentum": 0.5},
            "momentum 0.5 has no effect: it needs optimizer momentum or nesterov, not sgd.",
        ),
        (
            {"optimizer": "adam", "weight_decay": 0.1},
            "weight_decay 0.1 has no effect: it needs optimizer adamw, not adam. "
            "Here l2 does what other programs call so.",
        ),
        (
            {"optimizer": "momentum", "betas": (0.5, 0.9)},
            "betas [0.5, 0.9] has no effect: it needs optimizer adam or adamw, not momentum.",
        ),
        (
            {"schedule": "cosine", "gamma": 0.5},
            "gamma 0.5 has no effect: it needs schedule step or exponential, not cosine.",
        ),
        ({"compile": True}, "compile true has no effect: it needs engine torch, not numpy."),
        ({"optimizer": "adamw", "weight_decay": 0.1, "schedule": "step", "gamma": 0.5}, None),
        ({"optimizer": "sgd"}, None),
    ],
)
def test_a_setting_without_effect_is_told(given: dict[str, object], said: str | None) -> None:
    assert list(unused_settings(Recipe(**given)).values()) == ([said] if said else [])


def test_no_preset_has_any() -> None:
    for name in preset_names():
        assert not unused_settings(load_preset(name).training), name
