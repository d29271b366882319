"""The progress of a person: one small file in the user's folder of data."""

from __future__ import annotations

from collections.abc import Mapping
from errno import EPERM
from pathlib import Path
from typing import Annotated, Any

import msgspec

from cnn_tui.engine.data.sources import data_home
from cnn_tui.engine.decoding import Count, UnreadableError, Word, convert, decode, encode
from cnn_tui.engine.files import read_file
from cnn_tui.engine.formats import PROGRESS
from cnn_tui.engine.lessons.lesson import HINTS
from cnn_tui.engine.runs.stamp import utc_now
from cnn_tui.engine.storage import Storage, replace_file

_MOST_BYTES = 1 << 20
_MOST_LESSONS = 2_000


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """The tries, hints and times of a person at a lesson."""

    solved: bool = False
    tries: Count = 0
    """Judgements that were asked for, or that an ended training brought, up to the right one."""
    hints: Annotated[int, msgspec.Meta(ge=0, le=HINTS)] = 0
    """The furthest hint that was read."""
    solution_seen: bool = False
    """Whether the solution was looked at before the task was solved."""
    began: Word = ""
    """When it was begun, in UTC."""
    solved_at: Word = ""


class ProgressFile(msgspec.Struct, frozen=True, kw_only=True):
    """``lessons.json``."""

    version: Count = PROGRESS
    lessons: dict[Word, Any] = {}


class LessonProgress:
    """The attempts by the names of their lessons, in a file that every change replaces as a whole.

    A file that is damaged counts as none and is kept beside the new one; an entry that is damaged
    is left out. One of a later version of cnn-tui is neither read nor replaced.
    """

    def __init__(self, path: Path | None = None, storage: Storage | None = None) -> None:
        self.path = path or data_home() / "lessons.json"
        self._storage = storage or Storage()

    def read(self) -> dict[str, Attempt]:
        """All attempts, as the file has them now."""
        return self._read()[0]

    def of(self, name: str) -> Attempt:
        """The attempt at a lesson; an empty one before its begin."""
        return self.read().get(name, Attempt())

    def begun(self, name: str) -> Attempt:
        """Note that a lesson was begun; only the first time counts."""
        attempt = self.of(name)
        return attempt if attempt.began else self._keep(name, {"began": utc_now()})

    def tried(self, name: str, *, solved: bool) -> Attempt:
        """Note a try; those after the right one are not counted.

        Raises:
            OSError: if the file cannot be written; here and below.
        """
        before = self.of(name)
        if before.solved:
            return before
        changes: dict[str, object] = {"tries": before.tries + 1}
        if solved:
            changes |= {"solved": True, "solved_at": utc_now()}
        return self._keep(name, changes)

    def hinted(self, name: str, number: int) -> Attempt:
        """Note that the hint ``number``, from 1 on, was read before the task was solved."""
        before = self.of(name)
        return (
            before
            if before.solved or before.hints >= number
            else self._keep(name, {"hints": number})
        )

    def saw_solution(self, name: str) -> Attempt:
        """Note that the solution was looked at; that of a solved lesson does not count."""
        before = self.of(name)
        return before if before.solved else self._keep(name, {"solution_seen": True})

    def _keep(self, name: str, changes: Mapping[str, object]) -> Attempt:
        attempts, is_sound = self._read()
        if is_sound is None:
            raise OSError(EPERM, "a later version of cnn-tui wrote it; update cnn-tui")
        attempt = msgspec.structs.replace(attempts.get(name, Attempt()), **changes)
        attempts[name] = attempt
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not is_sound:
            self.path.replace(self.path.with_suffix(".damaged.json"))
        replace_file(self._storage, self.path, [encode(ProgressFile(lessons=attempts)), b"\n"])
        return attempt

    def _read(self) -> tuple[dict[str, Attempt], bool | None]:
        """The attempts, and whether the file, if there is one, is sound; None for a later one."""
        try:
            file = decode(read_file(self.path, _MOST_BYTES), ProgressFile)
        except FileNotFoundError:
            return {}, True
        except (OSError, UnreadableError):
            return {}, False
        if file.version > PROGRESS:
            return {}, None
        attempts = {}
        for name, entry in list(file.lessons.items())[:_MOST_LESSONS]:
            try:
                attempts[name] = convert(entry, Attempt)
            except UnreadableError:
                continue
        return attempts, True
