"""A sweep whose trials are made up, for measurements of its screen."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnn_tui.engine.sweeps.book import SweepBook
from cnn_tui.engine.sweeps.folder import SweepInfo, create_sweep
from cnn_tui.engine.sweeps.lines import (
    SweepBegun,
    TrialAsked,
    TrialEnded,
    TrialReported,
    TrialStarted,
)

TRIALS, EPOCHS = 500, 10
_FIELDS = ("lr", "optimizer", "conv1.out_channels", "conv2.out_channels", "dropout")
_AT = "2026-01-01T00:00:00+00:00"


@contextmanager
def sweep_under_way(runs: Path, trials: int = TRIALS, pause: float = 0.0) -> Iterator[None]:
    """Keep a sweep that is coordinated by this process; with a ``pause`` two trials report.

    Args:
        runs: the folder of runs.
        trials: how many trials there are; the last two run.
        pause: seconds between two epochs of each of them.
    """
    chance = random.Random(0)
    folder = create_sweep(runs, "measured", SweepInfo(created=_AT, version="1"), "", "")
    ended = threading.Event()
    with SweepBook(folder, lambda line: None) as book:
        book.add(
            SweepBegun(
                title="Measured",
                fields=_FIELDS,
                logarithmic=("lr",),
                objectives=("accuracy",),
                directions=("maximize",),
                total=trials,
                epochs=EPOCHS,
                at=_AT,
            )
        )
        for number in range(trials):
            _add(book, number, chance, ends=number < trials - 2)
        book.change(workers=2)
        book.beat(force=True)
        reporting = threading.Thread(target=_report, args=(book, trials, chance, pause, ended))
        reporting.start()
        try:
            yield
        finally:
            ended.set()
            reporting.join()


def _add(book: SweepBook, number: int, chance: random.Random, *, ends: bool) -> None:
    values = (10 ** chance.uniform(-4, 0), "adam", chance.choice((8, 16)), 16, chance.random())
    book.add(
        TrialAsked(
            number=number,
            values=dict(zip(_FIELDS, values, strict=True)),
            runs=(f"measured-1-{number}",),
            epochs=EPOCHS if ends else 1_000,
            parameters=chance.randrange(10_000, 90_000),
            macs=1_000_000,
        )
    )
    book.add(TrialStarted(number=number, seed=0, worker="worker-1", attempt=1))
    best = chance.uniform(0.5, 0.99)
    for epoch in range(1, EPOCHS + 1):
        book.add(TrialReported(number=number, epoch=epoch, value=best * (1 - 0.5**epoch)))
    if ends:
        book.add(TrialEnded(number=number, state="finished", seconds=10.0))


def _report(
    book: SweepBook, trials: int, chance: random.Random, pause: float, ended: threading.Event
) -> None:
    epoch = EPOCHS
    while not ended.wait(pause or 0.5):
        book.beat()
        epoch += 1
        for number in (trials - 2, trials - 1) if pause else ():
            book.add(TrialReported(number=number, epoch=epoch, value=chance.uniform(0.9, 0.97)))
