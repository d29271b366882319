"""Requests to a trainer and its answers, exchanged as files in the run's folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.exchange import PATIENCE, Inbox, Reply, ask
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.specs.network import Positive

Action = Literal["pause", "resume", "stop", "lr"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to the trainer of a run."""

    action: Action
    lr: Annotated[Positive | None, msgspec.Meta(description="for the action lr")] = None


class Steerable(Protocol):
    """Receives requests, as a ``Control`` does; each method may return text for the answer."""

    def pause(self) -> str | None:
        """Pause after the current batch."""

    def resume(self) -> str | None:
        """Continue after a pause."""

    def stop(self) -> str | None:
        """End the run after the current batch."""

    def set_lr(self, lr: float) -> str | None:
        """Change the learning rate from the next batch on."""


class RequestInbox(Inbox[Request]):
    """The trainer's side of the exchange."""

    def __init__(self, folder: Path, control: Steerable) -> None:
        super().__init__(folder, Request, partial(_carry_out, control))


def _carry_out(control: Steerable, command: Request) -> Reply:
    match command.action:
        case "pause":
            return Reply(True, control.pause() or "pauses after the current batch")
        case "resume":
            return Reply(True, control.resume() or "resumes")
        case "stop":
            words = control.stop()
            return Reply(True, words or "stops after the current batch, with a checkpoint")
    if command.lr is None:
        return Reply(False, "the request is invalid: the learning rate is missing")
    words = control.set_lr(command.lr)
    return Reply(True, words or f"uses the learning rate {command.lr:g} from the next batch on")


def send(folder: RunFolder, command: Request, patience: float = PATIENCE) -> str:
    """Send a request to the trainer of a run and wait for the answer.

    Raises:
        RunError: if the run is not being trained, or its trainer refuses or does not answer.
    """
    require = partial(_require_trainer, folder)
    require()
    folder.require_own_folders()
    return ask(folder.commands, command, require, f"The trainer of {folder.name}", patience)


def _require_trainer(folder: RunFolder) -> None:
    if not writer_lives(folder.lock_file, folder.summary_file):
        raise RunError(
            f"The run {folder.name} is not being trained now.",
            "" if folder.info().program else f"cnn-tui resume {folder.name} continues it.",
        )
