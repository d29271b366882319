"""Every error that the engine raises on purpose: one flat tree, each with a message and a hint.

The message says what happened, where and why; the hint says what to do. Both are plain text for
people, to which the command line and the app add only colour.
"""

from __future__ import annotations


class CnnTuiError(Exception):
    """An error that a user can understand and correct."""

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
    """An architecture that cannot be read: unknown preset, bad TOML, unknown key, bad value."""


class EntryError(SpecError):
    """A typed line that cannot be read: ``width`` characters from ``column``, counted from 0.

    A width of 0 marks a position between two characters, such as the end of the line.
    """

    def __init__(self, message: str, hint: str, column: int, width: int) -> None:
        super().__init__(message, hint)
        self.column, self.width = column, width


class ShapeError(CnnTuiError):
    """Layers that do not fit each other, or arrays that do not fit the network."""


class MemoryLimitError(CnnTuiError):
    """A training that would need more memory than there is, raised before it begins.

    ``batch`` is the size of a batch that would fit; 0 if not even a single image fits.
    """

    def __init__(self, message: str, hint: str = "", batch: int = 0) -> None:
        super().__init__(message, hint)
        self.batch = batch


class DataError(CnnTuiError):
    """Data that is missing, damaged, or does not fit the network."""


class MissingDataError(DataError):
    """A dataset that is not on disk but can be downloaded: its ``name`` and ``size`` in bytes."""

    def __init__(self, message: str, hint: str, name: str, size: int) -> None:
        super().__init__(message, hint)
        self.name, self.size = name, size


class RunError(CnnTuiError):
    """A run that cannot be saved, found, read, steered or resumed."""


class NonFiniteError(CnnTuiError):
    """A loss or gradient that is infinite or NaN; ``layer`` is where it began."""

    def __init__(self, message: str, hint: str = "", layer: str = "") -> None:
        super().__init__(message, hint)
        self.layer = layer
