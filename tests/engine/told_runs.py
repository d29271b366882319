"""Runs made of events by hand, for the babysitter to judge."""

from __future__ import annotations

import math
from typing import Any

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.babysitter import Babysitter
from cnn_tui.engine.training.events import (
    Alert,
    AlertCleared,
    BatchCompleted,
    EpochCompleted,
    LayerHealth,
    LayersMeasured,
    RunEvent,
    RunStarted,
    SettingChanged,
)

NET = "digits-convnet"
LR = load_preset(NET).training.lr


CLASSES = 10
CHANCE = math.log(CLASSES)
STEPS = 25
"""Between two measurements, so that they are due."""


class Run:
    """A run made of events: measurements, and batches before them, as they are wanted."""

    def __init__(self, net: Network | None = None, images: int = 10_000) -> None:
        self.sitter = Babysitter(net or load_preset(NET))
        self.step = self.epoch = 0
        self.found: list[Alert | AlertCleared] = []
        self._tell(
            RunStarted(
                arch="a",
                data="d",
                params=1,
                epochs=100,
                batch_size=50,
                batches=images // 50,
                train_images=images,
                val_images=1000,
                test_images=1000,
                classes=tuple("0123456789"),
                optimizer="sgd",
                lr=LR,
                seed=0,
                threads=1,
            )
        )

    def _tell(self, event: RunEvent) -> None:
        self.found += self.sitter.consume(event)

    def go(self, loss: float = 1.0, accuracy: float = 0.6, ratio: float = 1e-3, **more: Any) -> Run:
        """On to the next measurement."""
        for _ in range(STEPS):
            self.step += 1
            self._tell(batch(self.step, loss, accuracy, more.get("lr", LR)))
        self._tell(measured(self.step, ratio, **more))
        return self

    @property
    def faults(self) -> list[str]:
        """As ``codes``, praise left out."""
        return [code for code in self.codes if code != "healthy"]

    def epoch_of(self, train: tuple[float, float], val: tuple[float, float]) -> Run:
        """An epoch with these losses and accuracies."""
        self.epoch += 1
        self._tell(epoch(self.epoch, self.step, *train, *val))
        return self

    def change(self, name: Any, old: float | None, new: float | None) -> Run:
        self._tell(SettingChanged(step=self.step, name=name, old=old, new=new))
        return self

    @property
    def codes(self) -> list[str]:
        """Of everything found so far; what cleared has a minus in front."""
        return [("-" if isinstance(f, AlertCleared) else "") + f.code for f in self.found]


def batch(step: int, loss: float, accuracy: float, lr: float = LR) -> BatchCompleted:
    return BatchCompleted(
        step=step,
        epoch=1,
        batch=step,
        loss=loss,
        l2_loss=0.01,
        accuracy=accuracy,
        lr=lr,
        images_per_second=1.0,
        seconds=float(step),
    )


def measured(step: int, ratio: float | None, **more: Any) -> LayersMeasured:
    size, gradient = more.get("size", 5.0), more.get("gradient", 1.0)
    weights = [
        LayerHealth(
            layer=name, type=kind, weight_norm=size, gradient_norm=gradient, update_ratio=ratio
        )
        for name, kind in (("conv1", "conv"), ("fc3", "fc"))
    ]
    relu = LayerHealth(layer="relu2", type="relu", units=50, zeros=0.5, dead=more.get("dead", 0.0))
    return LayersMeasured(
        step=step,
        epoch=1,
        layers=(weights[0], relu, weights[1]),
        images=50,
        input_mean=more.get("mean", 0.0),
        input_std=more.get("std", 1.0),
        score_range=20.0,
        commonest_class=0,
        commonest_share=0.2,
    )


def epoch(
    number: int, step: int, loss: float, accuracy: float, val_loss: float, val_accuracy: float
) -> EpochCompleted:
    return EpochCompleted(
        epoch=number,
        step=step,
        train_loss=loss,
        train_accuracy=accuracy,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        l2_loss=0.01,
        lr=LR,
        images_per_second=1.0,
        seconds=1.0,
    )


STARTED = RunStarted(
    arch="a",
    data="d",
    params=1,
    epochs=9,
    batch_size=50,
    batches=100,
    train_images=5000,
    val_images=1000,
    test_images=1000,
    classes=tuple("0123456789"),
    optimizer="sgd",
    lr=LR,
    seed=0,
    threads=1,
)
