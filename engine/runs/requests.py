"""Requests to a trainer and its answers, exchanged as files in the run's folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.exchange import PATIENCE, Inbox, Reply, ask
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.specs.network import Positive
from cnn_tui.engine.training.control import Control

Action = Literal["pause", "resume", "stop", "lr"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to the trainer of a run."""

    action: Action
    lr: Annotated[Positive | None, msgspec.Meta(description="for the action lr")] = None


class RequestInbox(Inbox[Request]):
    """The trainer's side of the exchange."""

    def __init__(self, folder: Path, control: Control) -> None:
        super().__init__(folder, Request, partial(_carry_out, control))


def _carry_out(control: Control, command: Request) -> Reply:
    match command.action:
        case "pause":
            control.pause()
            return Reply(True, "pauses after the current batch")
        case "resume":
            control.resume()
            return Reply(True, "resumes")
        case "stop":
            control.stop()
            return Reply(True, "stops after the current batch, with a checkpoint")
    if command.lr is None:
        return Reply(False, "the request is invalid: the learning rate is missing")
    control.set_lr(command.lr)
    return Reply(True, f"uses the learning rate {command.lr:g} from the next batch on")


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
            f"cnn-tui resume {folder.name} continues it.",
        )
