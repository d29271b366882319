"""The mistakes in the file of a lesson, of which a teacher wants to know all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cnn_tui.engine.errors import SpecError


class LessonError(SpecError):
    """A lesson's file has mistakes: the message is the first one, with the number of others.

    Attributes:
        mistakes: Each as an error of its own, in the order of reading.
    """

    def __init__(self, mistakes: Sequence[SpecError]) -> None:
        first, *others = mistakes
        more = f" (and {len(others)} more)." if others else "."
        super().__init__(f"{first.message.removesuffix('.')}{more}", first.hint)
        self.mistakes = tuple(mistakes)


class Mistakes:
    """Collects the mistakes of a file while it is read on."""

    def __init__(self) -> None:
        self.found: list[SpecError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep the mistake with which the block ends, if there is one."""
        try:
            yield
        except LessonError as error:
            self.found += error.mistakes
        except SpecError as error:
            self.found.append(error)

    def require_none(self) -> None:
        """Raise ``LessonError`` if there is any."""
        if self.found:
            raise LessonError(self.found)
