"""``cnn-tui predict RUN IMAGE...``."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec
import numpy as np

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.pictures import BadPictureError, read_picture
from cnn_tui.engine.data.wanted import INPUT, WantedPicture, wanted_pictures
from cnn_tui.engine.export.states import Guess, Predictor, TrainedState, read_state
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.loading import progress_shown
from cnn_tui.tui.cli.output import print_error, print_json, print_line
from cnn_tui.tui.cli.submission import Predicted, Submission, show_csv, table

_BAR = 20
_CHUNK = 1 << 20
_MOST_BYTES = 512 << 20
"""Limit for a picture from standard input, which may be endless."""
_TOGETHER = 32
"""Pictures that are read and classified at a time."""


class Prediction(msgspec.Struct, frozen=True):
    """A line of ``predict --json``; ``error`` says why there are no guesses."""

    image: str
    guesses: list[Guess]
    error: str = ""


@click.command("predict")
@click.argument("run", shell_complete=completing.runs)
@click.argument(
    "images",
    nargs=-1,
    required=True,
    metavar="IMAGE...",
    type=options.PLACE,
    shell_complete=completing.files,
)
@click.option(
    "--top",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    metavar="K",
    help="Classes for each picture, the likeliest first.",
)
@click.option(
    "--invert",
    is_flag=True,
    help="Invert the image (dark ink on white, for networks trained on light on dark).",
)
@click.option(
    "--state",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="The checkpoint that predicts.",
)
@click.option("--column", metavar="NAME", help="The column of a CSV file that names the pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print one object per line as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table as CSV.")
@click.option(
    "--submission",
    metavar="FORM",
    help="Print CSV for a competition: FORM is its sample file, or a header such as id,label.",
)
@click.option(
    "--class",
    "of_class",
    metavar="NAME",
    help="With --submission: the class whose probability is written.",
)
@click.option("--output", type=options.PATH, metavar="FILE", help="Write the CSV to a file.")
@options.runs_dir
def command(
    run: str,
    images: tuple[str, ...],
    top: int,
    invert: bool,
    state: str,
    column: str | None,
    as_json: bool,
    as_csv: bool,
    submission: str | None,
    of_class: str | None,
    output: Path | None,
    runs_dir: Path,
) -> int:
    """Classify pictures of any size, grey or colour, with the network of RUN.

    IMAGE is a file, a folder of pictures, a pattern in quotes, a CSV file with the names of
    pictures or with their pixels, or - for standard input. A picture that cannot be read is
    reported and skipped; the exit code is then 1.
    """
    _refuse_mixed(as_json, as_csv, submission, of_class, output)
    loaded = read_state(open_run(runs_dir, run), "best" if state == "best" else "last")
    form = Submission(submission, of_class, loaded.classes) if submission else None
    wanted = list(wanted_pictures(images, column, loaded.network.input))
    top = len(loaded.classes) if form else min(top, len(loaded.classes))
    predictions = _Predictions(loaded, wanted, top, invert)
    if form or as_csv:
        good = _without_errors(predictions)
        show_csv(form.rows(good) if form else table(good, top), output)
    else:
        for prediction in predictions:
            _print(prediction, as_json)
    return int(predictions.bad > 0)


def _without_errors(predictions: Iterable[Prediction]) -> Iterator[Predicted]:
    for one in predictions:
        if one.error:
            print_error(f"{one.image}: {one.error}.")
        else:
            yield one.image, {guess.label: guess for guess in one.guesses}


def _refuse_mixed(
    as_json: bool, as_csv: bool, submission: str | None, of_class: str | None, output: Path | None
) -> None:
    if as_json + as_csv + bool(submission) > 1:
        raise click.UsageError("Choose one of --json, --csv and --submission.")
    if of_class and not submission:
        raise click.UsageError("--class belongs to --submission.")
    if output and not (as_csv or submission):
        raise click.UsageError("--output belongs to --csv or --submission.")


class _Predictions:
    """The predictions of pictures, made as they are asked for."""

    def __init__(
        self, state: TrainedState, wanted: Sequence[WantedPicture], top: int, invert: bool
    ) -> None:
        self._state, self._wanted, self._top, self._invert = state, wanted, top, invert
        self.bad = 0
        """Pictures so far that could not be read."""

    def __iter__(self) -> Iterator[Prediction]:
        threads = default_threads()
        with (
            contextlib.closing(Predictor(self._state, threads)) as predictor,
            ThreadPoolExecutor(threads) as pool,
            self._progress() as tell,
        ):
            for start in range(0, len(self._wanted), _TOGETHER):
                part = self._wanted[start : start + _TOGETHER]
                pixels = list(pool.map(self._read, part))
                for prediction in self._predicted(predictor, part, pixels):
                    self.bad += bool(prediction.error)
                    yield prediction
                tell("pictures", start + len(part), len(self._wanted))

    @contextlib.contextmanager
    def _progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """Progress of many pictures; of few there is none to show."""
        if len(self._wanted) <= _TOGETHER:
            yield lambda what, done, total: None
            return
        with progress_shown() as tell:
            yield tell

    def _read(self, wanted: WantedPicture) -> np.ndarray | BadPictureError:
        if wanted.pixels is not None:
            return wanted.pixels
        network = self._state.network
        resize = network.training.resize
        try:
            if wanted.name != INPUT:
                return read_picture(wanted.path, network.input, resize)
            with _standard_input() as path:
                return read_picture(path, network.input, resize)
        except BadPictureError as error:
            return error

    def _predicted(
        self,
        predictor: Predictor,
        wanted: Sequence[WantedPicture],
        pixels: Sequence[np.ndarray | BadPictureError],
    ) -> Iterator[Prediction]:
        good = [picture for picture in pixels if isinstance(picture, np.ndarray)]
        guesses = iter(predictor.guesses_of(good, self._top, invert=self._invert) if good else ())
        for one, picture in zip(wanted, pixels, strict=True):
            if isinstance(picture, BadPictureError):
                yield Prediction(one.name, [], str(picture))
            else:
                yield Prediction(one.name, next(guesses))


@contextlib.contextmanager
def _standard_input() -> Iterator[Path]:
    """Return standard input as a seekable file, as readers of pictures need."""
    with tempfile.NamedTemporaryFile() as file:
        size = 0
        while chunk := sys.stdin.buffer.read(_CHUNK):
            size += len(chunk)
            if size > _MOST_BYTES:
                raise BadPictureError(f"larger than {_MOST_BYTES >> 20} MB")
            file.write(chunk)
        file.flush()
        yield Path(file.name)


def _print(prediction: Prediction, as_json: bool) -> None:
    if as_json:
        print_json(prediction)
    elif prediction.error:
        print_error(f"{prediction.image}: {prediction.error}.")
    else:
        print_line(prediction.image)
        for guess in prediction.guesses:
            print_line(f"  {_figure(guess)}  {guess.label}")


def _figure(guess: Guess) -> str:
    if guess.probability is None:
        return f"{guess.score:8.3f}"
    known = math.isfinite(guess.probability)
    bar = "#" * round(guess.probability * _BAR) if known else ""
    return f"{guess.probability:7.2%} {bar:{_BAR}}"
