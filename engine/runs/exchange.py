"""Requests and answers as files in a folder: any process asks, one process answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from cnn_tui.engine.decoding import Text, UnreadableError, decode
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_folder, is_regular, read_file
from cnn_tui.engine.storage import Storage, replace_file

PATIENCE = 10.0
"""Seconds to wait for an answer; who answers checks several times a second."""
_MOST, _MOST_ANSWER = 4096, 1 << 20
"""Size limits of a request and of an answer, in bytes."""

Asked = TypeVar("Asked", bound=msgspec.Struct)


class Reply(msgspec.Struct, frozen=True):
    """The answer to a request."""

    accepted: bool
    message: Text


class Inbox(Generic[Asked]):
    """The side that answers; :meth:`serve` is called several times a second."""

    def __init__(self, folder: Path, kind: type[Asked], act: Callable[[Asked], Reply]) -> None:
        self._folder, self._kind, self._act = folder, kind, act

    def clear(self) -> None:
        """Delete the requests to an earlier process."""
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
        request: Asked | str
        try:
            request = decode(read_file(path, _MOST), self._kind)
        except (OSError, UnreadableError) as error:
            request = str(error)
        # First, so that a request that cannot be answered is not carried out repeatedly.
        path.unlink()
        if isinstance(request, str):
            reply = Reply(False, f"the request is invalid: {request}")
        else:
            reply = self._act(request)
        _write(path.with_name(path.name.replace(".request.", ".answer.")), reply)


def ask(
    folder: Path,
    request: msgspec.Struct,
    require: Callable[[], None],
    who: str,
    patience: float = PATIENCE,
) -> str:
    """Put a request into ``folder`` and return the answer.

    Args:
        folder: the folder of the requests.
        request: what is asked.
        require: called often; raises if no process is there to answer.
        who: whoever answers, for messages, such as "The trainer of lenet5-1".
        patience: seconds to wait.

    Raises:
        RunError: if the folder cannot be written, or the answer is a refusal or does not come.
    """
    path = folder / f"{time.time_ns()}-{secrets.token_hex(4)}.request.json"
    answer = path.with_name(path.name.replace(".request.", ".answer."))
    try:
        _write(path, request)
        return _wait_for(answer, require, who, time.monotonic() + patience)
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {reason_of(error)}.") from None
    finally:
        for file in (path, answer):
            with suppress(OSError):
                file.unlink(missing_ok=True)


def _wait_for(path: Path, require: Callable[[], None], who: str, until: float) -> str:
    while time.monotonic() < until:
        if is_regular(path):
            answer = _read_answer(path)
            if not answer.accepted:
                raise RunError(f"{who} refused: {answer.message}.")
            return answer.message
        require()
        time.sleep(0.05)
    raise RunError(f"{who} does not answer.", "Its machine may be busy: try again.")


def _read_answer(path: Path) -> Reply:
    try:
        return decode(read_file(path, _MOST_ANSWER), Reply)
    except UnreadableError as error:
        raise RunError(f"The answer {path} cannot be read: {error}.") from None


def _write(path: Path, content: msgspec.Struct) -> None:
    replace_file(Storage(), path, [msgspec.json.encode(content)], durable=False)
