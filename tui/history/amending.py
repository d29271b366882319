"""Reading the one setting that a reproduction changes."""

from __future__ import annotations

from dataclasses import dataclass

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import find_setting, settings_of, with_setting
from cnn_tui.tui.words import setting_words


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
        return Amendment(words=f"{path} is {setting_words(old)} already", wrong=True)
    report = check(changed)
    if not report.valid:
        reason = report.issues[0].message if report.issues else "it has no layers"
        return Amendment(words=reason, wrong=True)
    return Amendment(path, value, f"{path} {setting_words(new)} in place of {setting_words(old)}")


def choices(network: Network, text: str) -> list[tuple[str, str]]:
    """Return settings whose path contains the text before ``=``, those of the recipe first."""
    name = text.partition("=")[0].strip().lower()
    settings = [
        (path, setting_words(value))
        for path, value in settings_of(network).items()
        if name in path.lower()
    ]
    settings = [pair for pair in settings if pair[0] not in ("name", "description")]
    return sorted(settings, key=lambda pair: not pair[0].startswith("training."))
