"""Requests to the coordinator of a sweep, exchanged as files in the sweep's folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.decoding import Count
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import require_folder
from cnn_tui.engine.runs.exchange import PATIENCE, Inbox, Reply, ask
from cnn_tui.engine.sweeps.folder import SweepFolder

MOST_TRIALS = 100_000
"""Trials of a sweep, and points of a grid."""


class SweepRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to the coordinator of a sweep."""

    action: Literal["prune", "stop", "add"]
    number: Count | None = None
    """The trial to prune."""
    trials: Annotated[int, msgspec.Meta(ge=1, le=MOST_TRIALS)] | None = None
    """How many more, for ``add``."""


class SweepInbox(Inbox[SweepRequest]):
    """The coordinator's side of the exchange."""

    def __init__(self, folder: Path, act: Callable[[SweepRequest], Reply]) -> None:
        super().__init__(folder, SweepRequest, act)


def ask_sweep(folder: SweepFolder, request: SweepRequest, patience: float = PATIENCE) -> str:
    """Send a request to the coordinator of a sweep and wait for its answer.

    Raises:
        RunError: if nobody coordinates the sweep, or the coordinator refuses or does not answer.
    """
    require = partial(_require_coordinator, folder)
    require()
    try:
        require_folder(folder.commands)
    except OSError as error:
        raise RunError(f"The sweep {folder.name} cannot be used: {reason_of(error)}.") from None
    return ask(folder.commands, request, require, f"The coordinator of {folder.name}", patience)


def _require_coordinator(folder: SweepFolder) -> None:
    if not folder.coordinated:
        raise RunError(
            f"The sweep {folder.name} is not running now.",
            f"cnn-tui sweep resume {folder.name} continues it.",
        )
