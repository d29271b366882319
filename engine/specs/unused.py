"""Settings of a recipe that only some optimizers, schedules or engines read."""

from __future__ import annotations

from cnn_tui.engine.specs.network import COMPUTING, Recipe
from cnn_tui.engine.specs.wording import listed, show

USED_WHEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "momentum": ("optimizer", ("momentum", "nesterov")),
    "betas": ("optimizer", ("adam", "adamw")),
    "rho": ("optimizer", ("rmsprop",)),
    "eps": ("optimizer", ("adagrad", "rmsprop", "adam", "adamw")),
    "weight_decay": ("optimizer", ("adamw",)),
    "step_epochs": ("schedule", ("step",)),
    "gamma": ("schedule", ("step", "exponential")),
    **dict.fromkeys(COMPUTING[1:], ("engine", ("torch",))),
}
"""By setting, which other setting must have one of which values."""


def is_used(recipe: Recipe, name: str) -> bool:
    """Whether a setting has an effect, as far as the others say."""
    chooser, values = USED_WHEN.get(name, ("", ()))
    return not chooser or getattr(recipe, chooser) in values


def unused_settings(recipe: Recipe) -> dict[str, str]:
    """Return the settings that were given and have no effect, each with a sentence on it."""
    plain, found = Recipe(), {}
    for name, (chooser, values) in USED_WHEN.items():
        value = getattr(recipe, name)
        if value != getattr(plain, name) and not is_used(recipe, name):
            needed = f"{chooser} {listed(values)}, not {getattr(recipe, chooser)}"
            other = " Here l2 does what other programs call so." if name == "weight_decay" else ""
            found[name] = f"{name} {show(value)} has no effect: it needs {needed}.{other}"
    return found
