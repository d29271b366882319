"""Every error that the engine raises on purpose, in one flat hierarchy.

The message says what happened, where and why; the hint says what to do. Both are plain text,
shown as they are by the command line and the app.
"""

from __future__ import annotations


class CnnTuiError(Exception):
    """An error that a user can understand and fix."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message and the hint as one line."""
        return f"{self.message} {self.hint}".strip()


def reason_of(error: Exception) -> str:
    """Why an operation failed: the system's own words without path and number, else the text."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class SpecError(CnnTuiError):
    """An architecture cannot be read: unknown preset, bad TOML, unknown key or bad value."""


class EntryError(SpecError):
    """A typed line cannot be parsed at ``width`` characters from ``column``, counted from 0.

    A width of 0 is a position between two characters, such as the end of the line.
    """

    def __init__(self, message: str, hint: str, column: int, width: int) -> None:
        super().__init__(message, hint)
        self.column, self.width = column, width


class ShapeError(CnnTuiError):
    """Layers do not fit each other, or arrays do not fit the network."""


class MismatchError(ShapeError):
    """A network does not fit its data, which have this ``shape`` and number of ``classes``."""

    def __init__(self, message: str, hint: str, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__(message, hint)
        self.shape, self.classes = shape, classes


class MemoryLimitError(CnnTuiError):
    """Training would need more memory than there is, or a device has too little for a batch.

    ``batch`` is the largest batch size that fits, 0 if not even a single image does.
    """

    def __init__(self, message: str, hint: str = "", batch: int = 0) -> None:
        super().__init__(message, hint)
        self.batch = batch

    def in_run(self, run: str) -> MemoryLimitError:
        """The same error with the command that continues a run whose state is kept."""
        way = f"Continue with: cnn-tui resume {run} --batch-size {self.batch}"
        hint = f"{self.hint} {way}" if run and self.batch else self.hint
        return MemoryLimitError(self.message, hint, self.batch)


class EngineError(CnnTuiError):
    """The engine, or the device or precision that it should use, is not there."""


class DataError(CnnTuiError):
    """Data is missing or damaged, or does not fit the network."""


class DamagedPicturesError(DataError):
    """Some pictures of a folder cannot be read; the rest can be used without them."""


class MissingDataError(DataError):
    """The dataset ``name`` is not on disk but can be downloaded; ``size`` is in bytes."""

    def __init__(self, message: str, hint: str, name: str, size: int) -> None:
        super().__init__(message, hint)
        self.name, self.size = name, size


class RunError(CnnTuiError):
    """A run cannot be saved, found, read, controlled or resumed."""


class SweepError(CnnTuiError):
    """A sweep cannot begin or continue: no extra, no scheduler, other versions on its workers."""


class InsightError(CnnTuiError):
    """A question about the inside of a network cannot be answered."""


class NonFiniteError(CnnTuiError):
    """A loss or a gradient became infinite or NaN, first in ``layer``."""

    def __init__(self, message: str, hint: str = "", layer: str = "") -> None:
        super().__init__(message, hint)
        self.layer = layer
