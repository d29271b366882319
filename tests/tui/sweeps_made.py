"""Sweeps on disk for the tests of the screens that show them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from cnn_tui.engine.decoding import encode
from cnn_tui.engine.sweeps.folder import SweepFolder, SweepInfo, SweepStatus, create_sweep
from cnn_tui.engine.sweeps.lines import (
    PointRefused,
    SweepBegun,
    SweepLine,
    TrialAsked,
    TrialEnded,
    TrialReported,
    TrialStarted,
    Value,
)

BEGUN = "2026-01-02T12:00:00+00:00"
ENDED = "2026-01-02T12:34:56+00:00"
_FIELDS = ("lr", "optimizer", "conv1.out_channels", "conv4.out_channels", "dropout")
_NO_ROOM = "layer 3: the 5x5 kernel is larger than its 4x4 input"


def make_sweep(
    root: Path,
    name: str = "widths",
    trials: int = 24,
    *,
    epochs: int = 8,
    phase: str = "finished",
    objectives: Sequence[str] = ("accuracy",),
    fields: Sequence[str] = _FIELDS,
) -> SweepFolder:
    """A sweep in a folder of runs, always the same; one that runs is under way in its last two."""
    info = SweepInfo(created=BEGUN, version="1")
    folder = create_sweep(root, name, info, 'base = "digits-convnet"\n', "")
    lines = _lines(folder.name, trials, epochs, phase == "running", objectives, fields)
    folder.trials_file.write_bytes(b"".join(encode(line) + b"\n" for line in lines))
    folder.lock_file.touch()
    weights = dict(zip(fields, (0.61, 0.2, 0.12, 0.05, 0.02), strict=False))
    status = SweepStatus(
        phase=phase,  # type: ignore[arg-type]
        workers=2 * (phase == "running"),
        started=BEGUN,
        ended=ENDED if phase != "running" else "",
        importance=weights if trials >= 5 else {},
    )
    folder.write_status(status)
    return folder


def _lines(
    name: str,
    trials: int,
    epochs: int,
    running: bool,
    objectives: Sequence[str],
    fields: Sequence[str],
) -> Iterator[SweepLine]:
    chance = random.Random(1)
    yield SweepBegun(
        title="Widths and rates",
        fields=tuple(fields),
        logarithmic=("lr",),
        objectives=tuple(objectives),
        directions=("maximize" if objectives[0] == "accuracy" else "minimize", "minimize")[
            : len(objectives)
        ],
        total=trials + 6 * running,
        epochs=epochs,
        at=BEGUN,
    )
    for number in range(trials):
        values = _point(chance, fields)
        lr, width = float(values.get("lr") or 0.01), int(values.get("conv1.out_channels") or 8)
        yield TrialAsked(
            number=number,
            values=values,
            runs=(f"{name}-{number}",),
            epochs=epochs,
            parameters=width * 1500 + 4000,
            macs=width * 90_000,
        )
        worker = f"worker-{number % 2}"
        yield TrialStarted(number=number, seed=0, worker=worker, attempt=1 + (number == 3))
        top = 0.99 - 0.12 * abs(math.log10(lr) + 2) - 0.6 / width - chance.uniform(0, 0.01)
        under_way = running and number >= trials - 2
        pruned = not under_way and top < 0.75
        failed = number == 7
        last = 3 if under_way else 2 if pruned else epochs
        for epoch in range(1, last + 1):
            share = top * (1 - 0.8 * math.exp(-epoch / 1.5))
            value = share if objectives[0] == "accuracy" else 2.3 * (1 - share)
            yield TrialReported(number=number, epoch=epoch, value=value)
        if under_way:
            continue
        yield TrialEnded(
            number=number,
            state="failed" if failed else "pruned" if pruned else "finished",
            reason="the loss of batch 12 is not finite (layer conv1)" if failed else "",
            seconds=12.5,
        )
    for number in range(trials, trials + 3):
        yield PointRefused(number=number, values={}, reason=_NO_ROOM)


def _point(chance: random.Random, fields: Sequence[str]) -> dict[str, Value]:
    values: dict[str, Value] = {
        "lr": float(f"{10 ** chance.uniform(-4, -0.3):.6g}"),
        "optimizer": chance.choice(("sgd", "adam", "rmsprop")),
        "conv1.out_channels": chance.choice((4, 8, 16, 32)),
        "conv4.out_channels": chance.choice((8, 16, 32, 64)),
        "dropout": round(chance.uniform(0, 0.5), 2),
    }
    return {field: values.get(field, round(chance.random(), 3)) for field in fields}
