"""A run trained once more, as it was or with one value changed."""

from __future__ import annotations

from collections import deque

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import find_setting, settings_of, with_setting
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    BatchCompleted,
    RunEvent,
    RunStarted,
    SettingChanged,
)

_SAME = {"lr": ("lr", "held_lr"), "p": ("dropout",)}
"""Names by which a setting can be changed while a run goes, where they are not its own."""


def plan_again(
    folder: RunFolder, change: tuple[str, str] | None = None
) -> tuple[Network, Reproduction]:
    """What to train so that the run comes about once more.

    Args:
        folder: The run.
        change: The name of a setting, as :func:`find_setting` takes it, and its other value.

    Raises:
        RunError: if the run cannot be read, or has this value already.
        SpecError: if there is no such setting, or it does not take the value.
    """
    info, network = folder.info(), folder.network()
    if change is None:
        data = info.data_sha256
        return network, Reproduction(of=folder.name, data_sha256=data, steered=_steered(folder, ""))
    path = find_setting(network, change[0])
    changed = with_setting(network, path, change[1])
    old, new = settings_of(network)[path], settings_of(changed).get(path, "")
    if old == new:
        raise RunError(
            f"{path} is {old} in {folder.name} as well.", "Change nothing to get the same bits."
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
    """What somebody changed on the way, but for what is to have another value now."""
    left_out = _SAME.get(changed, (changed,))
    events = read_events(folder.events_file)
    return tuple(e for e in events if isinstance(e, SettingChanged) and e.name not in left_out)


def original_of(folder: RunFolder) -> RunFolder | None:
    """The run that this one repeats, if it is still there."""
    try:
        again = folder.info().again
    except RunError:
        return None
    original = RunFolder(folder.path.with_name(again.of)) if again else None
    return original if original and is_regular(original.info_file) else None


class Steering:
    """Changes the settings of a run after the same steps as those of the run it repeats."""

    def __init__(self, again: Reproduction | None, control: Control) -> None:
        self._waiting, self._control = deque(again.steered if again else ()), control

    def take(self, event: RunEvent) -> None:
        """Take an event on the trainer's thread, before the next batch."""
        if isinstance(event, RunStarted):
            # A state holds what was changed before it.
            while self._waiting and self._waiting[0].step < event.from_step:
                self._waiting.popleft()
            self._steer(event.from_step)
        elif isinstance(event, BatchCompleted):
            self._steer(event.step)

    def _steer(self, step: int) -> None:
        while self._waiting and self._waiting[0].step <= step:
            change = self._waiting.popleft()
            self._control.set(change.name, change.new)
