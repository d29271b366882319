"""Reading the one setting that a reproduction changes."""

from __future__ import annotations

from dataclasses import dataclass

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import (
    find_setting,
    setting_words,
    settings_of,
    value_words,
    with_setting,
)


@dataclass(frozen=True)
class Amendment:
    """A setting and its new value, or why the text is not valid."""

    path: str = ""
    """The setting; empty if nothing is changed, or the text is invalid."""
    value: str = ""
    words: str = ""
    """The effect of the text, or what is wrong with it."""
    wrong: bool = False


def amend(network: Network, text: str) -> Amendment:
    """Read ``NAME=VALUE``; an empty text leaves the run unchanged."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not name:
        return Amendment(words="unchanged: it must produce the same bits")
    if not equals or not value:
        return Amendment(words="enter selects the setting; then type its value", wrong=True)
    try:
        path = find_setting(network, name)
        changed = with_setting(network, path, value)
    except CnnTuiError as error:
        return Amendment(words=str(error), wrong=True)
    old, new = settings_of(network)[path], settings_of(changed).get(path, "")
    if old == new:
        return Amendment(words=f"{setting_words(path)} is {value_words(old)} already", wrong=True)
    report = check(changed)
    if not report.valid:
        reason = report.issues[0].message if report.issues else "it has no layers"
        return Amendment(words=reason, wrong=True)
    words = f"{setting_words(path)} {value_words(new)} in place of {value_words(old)}"
    return Amendment(path, value, words)


def choices(network: Network, text: str) -> list[tuple[str, str]]:
    """Return settings and values in words, those of the recipe first.

    The path of each contains the text before ``=``.
    """
    name = text.partition("=")[0].strip().lower().replace(" ", "_")
    settings = [
        (path, value) for path, value in settings_of(network).items() if name in path.lower()
    ]
    settings = [pair for pair in settings if pair[0] not in ("name", "description")]
    settings.sort(key=lambda pair: not pair[0].startswith("training."))
    return [(setting_words(path), value_words(value)) for path, value in settings]
