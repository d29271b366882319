"""Requests to a trainer and its answers, exchanged as files in the run's folder."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec

from cnn_tui.engine.decoding import Text, UnreadableError, decode
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_folder, is_regular, read_file
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.specs.network import Positive
from cnn_tui.engine.storage import Storage, replace_file

PATIENCE = 10.0
"""Seconds to wait for an answer; a trainer checks several times a second."""

Action = Literal["pause", "resume", "stop", "lr"]
_MOST, _MOST_ANSWER = 4096, 1 << 20
"""Size limits of a request and of an answer, in bytes."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to the trainer of a run."""

    action: Action
    lr: Annotated[Positive | None, msgspec.Meta(description="for the action lr")] = None


class Reply(msgspec.Struct, frozen=True):
    """The trainer's answer to a request."""

    accepted: bool
    message: Text


class Steerable(Protocol):
    """What requests act on, such as a ``Control``; each method may return words for the answer."""

    def pause(self) -> str | None:
        """Pause after the current batch."""

    def resume(self) -> str | None:
        """Continue after a pause."""

    def stop(self) -> str | None:
        """End the run after the current batch."""

    def set_lr(self, lr: float) -> str | None:
        """Change the learning rate from the next batch on."""


class RequestInbox:
    """The trainer's side of the exchange; :meth:`serve` is called several times a second."""

    def __init__(self, folder: Path, control: Steerable) -> None:
        self._folder, self._control = folder, control

    def clear(self) -> None:
        """Delete the requests to an earlier trainer."""
        for path in self._files("*.json"):
            path.unlink(missing_ok=True)

    def serve(self) -> None:
        """Carry out and answer every request.

        Raises:
            OSError: the first failure to remove a request or to write an answer.
        """
        troubles: list[OSError] = []
        for path in self._files("*.request.json"):
            try:
                self._answer(path)
            except FileNotFoundError:
                continue  # the sender has withdrawn the request
            except OSError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]

    def _files(self, pattern: str) -> list[Path]:
        """Regular files; none if the folder is a link or missing, as on a lagging network."""
        if not is_folder(self._folder):
            return []
        return sorted(filter(is_regular, self._folder.glob(pattern)))

    def _answer(self, path: Path) -> None:
        try:
            request: Request | str = decode(read_file(path, _MOST), Request)
        except (OSError, UnreadableError) as error:
            request = str(error)
        # First, so that a request that cannot be answered is not carried out repeatedly.
        path.unlink()
        name = path.name.replace(".request.", ".answer.")
        _write(path.with_name(name), _carry_out(request, self._control))


def _carry_out(command: Request | str, control: Steerable) -> Reply:
    """Carry out a request; a text is the reason why it is unreadable."""
    if isinstance(command, str):
        return Reply(False, f"the request is invalid: {command}")
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
    request = folder.commands / f"{time.time_ns()}-{secrets.token_hex(4)}.request.json"
    answer = request.with_name(request.name.replace(".request.", ".answer."))
    _require_trainer(folder)
    folder.require_own_folders()
    try:
        _write(request, command)
        return _wait_for(answer, folder, time.monotonic() + patience)
    except OSError as error:
        raise RunError(f"{folder.commands} cannot be written: {reason_of(error)}.") from None
    finally:
        for path in (request, answer):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _wait_for(path: Path, folder: RunFolder, until: float) -> str:
    while time.monotonic() < until:
        if is_regular(path):
            answer = _read_answer(path)
            if not answer.accepted:
                raise RunError(f"The trainer of {folder.name} refused: {answer.message}.")
            return answer.message
        _require_trainer(folder)
        time.sleep(0.05)
    raise RunError(
        f"The trainer of {folder.name} does not answer.", "Its machine may be busy: try again."
    )


def _read_answer(path: Path) -> Reply:
    try:
        return decode(read_file(path, _MOST_ANSWER), Reply)
    except UnreadableError as error:
        raise RunError(f"The answer {path} cannot be read: {error}.") from None


def _require_trainer(folder: RunFolder) -> None:
    if not writer_lives(folder.lock_file, folder.summary_file):
        raise RunError(
            f"The run {folder.name} is not being trained now.",
            "" if folder.info().program else f"cnn-tui resume {folder.name} continues it.",
        )


def _write(path: Path, content: msgspec.Struct) -> None:
    replace_file(Storage(), path, [msgspec.json.encode(content)], durable=False)
