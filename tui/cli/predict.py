"""``cnn-tui predict RUN IMAGE...``."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import numpy as np

from cnn_tui.engine.data.pictures import BadPictureError, read_picture
from cnn_tui.engine.export.states import Guess, Predictor, TrainedState, read_state
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.output import print_error, print_json, print_line

_BAR = 20
_CHUNK = 1 << 20
_MOST_BYTES = 512 << 20
"""Limit for a picture from standard input, which may be endless."""


class Prediction(msgspec.Struct, frozen=True):
    """A line of ``predict --json``; ``error`` says why there are no guesses."""

    image: str
    guesses: list[Guess]
    error: str = ""


@click.command("predict")
@click.argument("run")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--top", type=click.IntRange(1, 1000), default=3, show_default=True, metavar="K")
@click.option(
    "--invert",
    is_flag=True,
    help="Invert the image (dark ink on white, for networks trained on light on dark).",
)
@click.option("--state", type=click.Choice(["best", "last"]), default="best", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one object per line as JSON.")
@options.runs_dir
def command(
    run: str,
    images: tuple[str, ...],
    top: int,
    invert: bool,
    state: str,
    as_json: bool,
    runs_dir: Path,
) -> int:
    """Classify pictures of any size, grey or colour, with the network of RUN; - is stdin.

    A picture that cannot be read is reported and skipped; the exit code is then 1.
    """
    loaded = read_state(open_run(runs_dir, run), "best" if state == "best" else "last")
    bad = 0
    with contextlib.closing(Predictor(loaded)) as predictor:
        for image in images:
            prediction = _predict(predictor, loaded, image, top, invert)
            bad += bool(prediction.error)
            _print(prediction, as_json)
    return int(bad > 0)


def _predict(
    predictor: Predictor, state: TrainedState, image: str, top: int, invert: bool
) -> Prediction:
    try:
        pixels = _read(image, state.network)
    except BadPictureError as error:
        return Prediction(image, [], str(error))
    return Prediction(image, predictor.guesses(pixels, top, invert=invert))


def _read(image: str, network: Network) -> np.ndarray:
    resize = network.training.resize
    if image != "-":
        return read_picture(Path(image), network.input, resize)
    with _standard_input() as path:
        return read_picture(path, network.input, resize)


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
