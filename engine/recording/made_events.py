"""Events of a run whose network and data are unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cnn_tui.engine.recording.figures import Sizes
from cnn_tui.engine.training.events import (
    LayerHealth,
    LayersMeasured,
    RunStarted,
    Scalars,
)

_MOST_NAME = 200


def beginning(sizes: Sizes, lr: float, name: str, path: Path | None, program: str) -> RunStarted:
    """The start of a run, by its settings."""
    return RunStarted(
        arch=sizes.arch or name,
        data=sizes.data,
        params=sizes.params,
        epochs=sizes.epochs,
        batch_size=sizes.batch_size,
        batches=sizes.batches,
        train_images=sizes.batches * sizes.batch_size,
        val_images=0,
        test_images=0,
        classes=sizes.classes,
        optimizer=sizes.optimizer,
        lr=0.0 if math.isnan(lr) else lr,
        seed=sizes.seed,
        threads=0,
        run=name,
        path=str(path or ""),
        program=program,
    )


def further(named: Mapping[str, float]) -> Scalars | msgspec.UnsetType:
    """The figures that have no field of their own; unset if there are none."""
    if not named:
        return msgspec.UNSET
    return {
        name[:_MOST_NAME]: value if math.isfinite(value) else None for name, value in named.items()
    }


def measurement(step: int, epoch: int, layers: tuple[LayerHealth, ...]) -> LayersMeasured:
    """Measurements of layers, without any of the batch."""
    return LayersMeasured(
        step=step,
        epoch=epoch,
        layers=layers,
        images=0,
        input_mean=math.nan,
        input_std=math.nan,
        score_range=math.nan,
        commonest_class=0,
        commonest_share=0.0,
    )
