"""Reproducing a run: as it was, or with one setting changed."""

from __future__ import annotations

from collections import deque

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import (
    find_setting,
    setting_words,
    settings_of,
    value_words,
    with_setting,
)
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    RunEvent,
    RunStarted,
    SettingChanged,
)

_LIVE_NAMES = {"lr": ("lr", "held_lr"), "p": ("dropout",)}
"""Settings of a running training by the name in the recipe, where the two differ."""


def plan_again(
    folder: RunFolder, change: tuple[str, str] | None = None
) -> tuple[Network, Reproduction]:
    """Plan the reproduction of a run.

    Args:
        folder: The run.
        change: The name of a setting, as :func:`find_setting` accepts it, and its new value.

    Raises:
        RunError: if the run cannot be read, or has this value already.
        SpecError: if there is no such setting, or the value is not allowed.
    """
    info, network = folder.info(), folder.network()
    if info.origin:
        raise RunError(
            f"{folder.name} began with the weights of {info.origin}, which may have changed since.",
            f"Train again with: cnn-tui train --from {info.origin}",
        )
    if change is None:
        data = info.data_sha256
        return network, Reproduction(of=folder.name, data_sha256=data, steered=_steered(folder, ""))
    path = find_setting(network, change[0])
    changed = with_setting(network, path, change[1])
    old, new = settings_of(network)[path], settings_of(changed).get(path, "")
    if old == new:
        raise RunError(
            f"{setting_words(path)} is {value_words(old)} in {folder.name} already.",
            "Give another value, or change nothing to reproduce the same bits.",
        )
    return changed, Reproduction(
        of=folder.name,
        setting=path,
        old=old,
        new=new,
        data_sha256="" if path == "data" else info.data_sha256,
        steered=_steered(folder, path.rpartition(".")[2]),
    )


def _steered(folder: RunFolder, changed: str) -> tuple[SettingChanged, ...]:
    """Settings changed during the run, except the one that gets another value now."""
    left_out = _LIVE_NAMES.get(changed, (changed,))
    events = read_events(folder.events_file)
    return tuple(e for e in events if isinstance(e, SettingChanged) and e.name not in left_out)


def original_of(folder: RunFolder) -> RunFolder | None:
    """The run that this one reproduces, if it still exists."""
    try:
        again = folder.info().again
    except RunError:
        return None
    original = RunFolder(folder.path.with_name(again.of)) if again else None
    return original if original and is_regular(original.info_file) else None


class Steering:
    """Repeats the setting changes of the reproduced run, after the same steps."""

    def __init__(self, again: Reproduction | None, control: Control) -> None:
        self._waiting, self._control = deque(again.steered if again else ()), control

    def observe(self, event: RunEvent) -> None:
        """Apply the changes that are due after ``event``, on the trainer's thread."""
        if isinstance(event, RunStarted):
            # A checkpoint contains the changes made before it.
            while self._waiting and self._waiting[0].step < event.from_step:
                self._waiting.popleft()
            self._steer(event.from_step)
        elif isinstance(event, BatchCompleted):
            self._steer(event.step)

    def _steer(self, step: int) -> None:
        while self._waiting and self._waiting[0].step <= step:
            change = self._waiting.popleft()
            self._control.set(change.name, change.new)
