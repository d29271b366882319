"""Requests to a trainer, left in its folder by anyone who may write there, and its answers."""

from __future__ import annotations

import contextlib
import secrets
import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.specs.network import Positive
from cnn_tui.engine.training.control import Control

PATIENCE = 10.0
"""Seconds to wait for an answer; a trainer looks several times in each."""

Action = Literal["pause", "resume", "stop", "lr"]
_MOST = 4096
"""Bytes of a request that are read."""


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request."""

    action: Action
    lr: Annotated[Positive | None, msgspec.Meta(description="for the action lr")] = None


class Answer(msgspec.Struct, frozen=True):
    """What became of it, in words."""

    accepted: bool
    message: str


class CommandDesk:
    """The trainer's side; :meth:`serve` is called several times a second."""

    def __init__(self, folder: Path, control: Control) -> None:
        self._folder, self._control = folder, control

    def clear(self) -> None:
        """Forget what was asked of an earlier trainer."""
        for path in self._folder.glob("*.json"):
            path.unlink(missing_ok=True)

    def serve(self) -> None:
        """Obey every request and answer it.

        Raises:
            OSError: if an answer cannot be written.
        """
        for path in self._requests():
            self._answer(path, self._obey(path))

    def _requests(self) -> list[Path]:
        # A folder on a lagging network may be gone for a moment.
        with contextlib.suppress(OSError):
            return sorted(self._folder.glob("*.request.json"))
        return []

    def _obey(self, path: Path) -> Answer:
        try:
            with path.open("rb") as file:
                command = msgspec.json.decode(file.read(_MOST), type=Command)
        except (OSError, msgspec.DecodeError) as error:
            return Answer(False, f"this is no request: {error}")
        return _carry_out(command, self._control)

    def _answer(self, path: Path, answer: Answer) -> None:
        name = path.name.replace(".request.", ".answer.")
        _write(path.with_name(name), answer)
        path.unlink(missing_ok=True)


def _carry_out(command: Command, control: Control) -> Answer:
    match command.action:
        case "pause":
            control.pause()
            return Answer(True, "pauses after the current batch")
        case "resume":
            control.resume()
            return Answer(True, "goes on")
        case "stop":
            control.stop()
            return Answer(True, "stops after the current batch, with a checkpoint")
    if command.lr is None:
        return Answer(False, "this is no request: it names no learning rate")
    control.set_lr(command.lr)
    return Answer(True, f"takes the learning rate {command.lr:g} from the next batch on")


def send(folder: RunFolder, command: Command, patience: float = PATIENCE) -> str:
    """Ask the trainer of a run; returns its answer.

    Raises:
        RunError: if nobody trains the run, or nobody answers.
    """
    request = folder.commands / f"{time.time_ns()}-{secrets.token_hex(4)}.request.json"
    answer = request.with_name(request.name.replace(".request.", ".answer."))
    _require_trainer(folder)
    try:
        _write(request, command)
        return _wait_for(answer, folder, time.monotonic() + patience)
    except OSError as error:
        raise RunError(
            f"No request can be left in {folder.commands}: {error.strerror or error}."
        ) from None
    finally:
        for path in (request, answer):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _wait_for(path: Path, folder: RunFolder, until: float) -> str:
    while time.monotonic() < until:
        if path.exists():
            answer = msgspec.json.decode(path.read_bytes(), type=Answer)
            if not answer.accepted:
                raise RunError(f"The trainer of {folder.name} refused: {answer.message}.")
            return answer.message
        _require_trainer(folder)
        time.sleep(0.05)
    raise RunError(
        f"The trainer of {folder.name} does not answer.", "Its machine may be busy: try again."
    )


def _require_trainer(folder: RunFolder) -> None:
    if not writer_lives(folder.lock_file, folder.summary_file):
        raise RunError(
            f"Nobody trains the run {folder.name} now.",
            f"cnn-tui resume {folder.name} goes on with it.",
        )


def _write(path: Path, content: msgspec.Struct) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(msgspec.json.encode(content))
    temporary.replace(path)
