"""Predictions as CSV: a table of everything, or the file that a competition wants."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

import click

from cnn_tui.engine.errors import DataError, RunError, reason_of
from cnn_tui.engine.export.states import Guess
from cnn_tui.engine.export.tables import csv_line
from cnn_tui.engine.specs.wording import listed, plain
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.tui.cli.output import print_line

Row = Sequence[object]
Predicted = tuple[str, dict[str, Guess]]
"""The name of a picture, and its guesses by class, best first."""


def table(predictions: Iterable[Predicted], top: int) -> Iterator[Row]:
    """Yield a header, and the ``top`` classes of each picture with their probabilities."""
    numbers = [f"_{number}" if number > 1 else "" for number in range(1, top + 1)]
    yield ("image", *(f"{what}{n}" for n in numbers for what in ("class", "probability", "score")))
    for name, guesses in predictions:
        shown = list(guesses.values())[:top]
        cells = [(guess.label, _share(guess), f"{guess.score:.6g}") for guess in shown]
        yield (name, *(cell for cells_of in cells for cell in cells_of))


class Submission:
    """The form of a competition's file: its header, and perhaps the order of its rows.

    Args:
        form: A sample of the file, or its header with commas. Two columns are an id and a class,
            or the probability of ``of_class``; more are an id and the probability of each class.
        of_class: The class whose probability the second column is.
        classes: The classes of the network.

    Raises:
        DataError: The sample cannot be read, or has a column that is no class.
    """

    def __init__(self, form: str, of_class: str | None, classes: Sequence[str]) -> None:
        self.header, self._ids = _form(form)
        self._of_class = of_class
        wanted = [*self.header[1:]] if len(self.header) > 2 else [of_class] if of_class else []
        unknown = [name for name in wanted if name not in classes]
        if unknown:
            raise DataError(
                f"{plain(unknown[0])} is not a class of the network, which has "
                f"{listed([plain(name) for name in classes[:10]], 'and')}."
            )

    def rows(self, predictions: Iterable[Predicted]) -> Iterator[Row]:
        """Yield the header and a row for each picture, in the order of the sample if there is one.

        Raises:
            DataError: The sample has a picture that was not predicted.
        """
        yield self.header
        if self._ids is None:
            for name, guesses in predictions:
                yield (_stem(name), *self._cells(guesses))
            return
        by_id: dict[str, dict[str, Guess]] = {}
        for name, guesses in predictions:
            for way in (name, PurePath(name).name, _stem(name)):
                by_id.setdefault(way, guesses)
        for number, one in enumerate(self._ids, 2):
            if one not in by_id:
                raise DataError(
                    f"The sample asks for {plain(one)} in line {number}, which was not predicted.",
                    "Give the pictures of all its rows.",
                )
            yield (one, *self._cells(by_id[one]))

    def _cells(self, guesses: dict[str, Guess]) -> Iterator[str]:
        if len(self.header) > 2:
            yield from (_share(guesses[name]) for name in self.header[1:])
        elif self._of_class is not None:
            yield _share(guesses[self._of_class])
        else:
            yield next(iter(guesses))


def _share(guess: Guess) -> str:
    return "" if guess.probability is None else f"{guess.probability:.6g}"


def _stem(name: str) -> str:
    """The id of a picture: its name without folders and suffix."""
    return PurePath(name).stem


def _form(form: str) -> tuple[tuple[str, ...], list[str] | None]:
    path = Path(form)
    if not path.is_file():
        header = tuple(cell.strip() for cell in form.split(","))
        if len(header) < 2 or not all(header):
            raise click.BadParameter(
                f"expected a file, or a header such as id,label, received {form!r}.",
                param_hint="--submission",
            )
        return header, None
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            first, *rows = csv.reader(stream, strict=True)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {plain(reason_of(error))}.") from None
    except ValueError:
        raise DataError(f"{path}: the file is empty.") from None
    if len(first) < 2:
        raise DataError(f"{path}: expected at least two columns, received {len(first)}.")
    return tuple(first), [row[0] for row in rows if row]


def show_csv(rows: Iterable[Row], output: Path | None) -> None:
    """Print rows as CSV, or write them to a file, which is replaced as a whole.

    Raises:
        RunError: The file cannot be written.
    """
    lines = map(csv_line, rows)
    if output is None:
        for line in lines:
            print_line(line.rstrip("\n"))
        return
    try:
        replace_file(Storage(), output, [line.encode(errors="surrogateescape") for line in lines])
    except OSError as error:
        raise RunError(f"{output} cannot be written: {reason_of(error)}.") from None
