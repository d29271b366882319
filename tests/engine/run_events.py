"""Events of runs that nobody trained."""

from __future__ import annotations

from cnn_tui.engine.training.events import BatchCompleted, EpochCompleted, RunStarted

STEPS_IN_EPOCH = 5


def started(from_step: int = 0) -> RunStarted:
    return RunStarted(
        arch="a", data="d", params=1, epochs=9, batch_size=1, batches=STEPS_IN_EPOCH,
        train_images=5, val_images=1, test_images=1, classes=("x",), optimizer="sgd", lr=0.1,
        seed=0, threads=1, from_step=from_step,
    )  # fmt: skip


def batch(step: int) -> BatchCompleted:
    return BatchCompleted(
        step=step, epoch=1, batch=step, loss=1 / step, l2_loss=0.0, accuracy=0.5, lr=0.1,
        images_per_second=10.0, seconds=step / 8,
    )  # fmt: skip


def epoch(step: int, loss: float = 0.5) -> EpochCompleted:
    return EpochCompleted(
        epoch=step // STEPS_IN_EPOCH, step=step, train_loss=1.0, train_accuracy=0.5, val_loss=loss,
        val_accuracy=0.5, l2_loss=0.0, lr=0.1, images_per_second=1.0, seconds=1.0,
    )  # fmt: skip
