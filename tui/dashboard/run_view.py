"""A snapshot of a run for the screen, made from the board."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from cnn_tui.engine.system_memory import held_memory
from cnn_tui.engine.training.events import LayerHealth, ValidationCompleted
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.words import balanced_words, figure


@dataclass(frozen=True)
class RunView:
    """The state that the Train screen shows; None means "not known yet"."""

    state: str = "ready"
    detail: str = ""
    recipe: str = ""
    """The recipe as it is now, in a few words."""
    ended: bool = False
    step: int = 0
    by_steps: bool = False
    """Whether the length of an epoch or of the run is unknown, so that there is no bar."""
    epoch: int = 0
    epochs: int = 0
    epoch_progress: float = 0.0
    progress: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None
    images_per_second: float | None = None
    steps_per_second: float | None = None
    """The mean over the run, if the number of images is unknown."""
    lr: float | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    l2_loss: float | None = None
    train_accuracy: float | None = None
    val_accuracy: float | None = None
    best: str = ""
    balanced: str = ""
    """The balanced validation accuracy and the class with the lowest recall, if uneven."""
    usage: str = ""
    """Processor time and memory of the program."""
    layers: tuple[LayerHealth, ...] = ()
    troubled: frozenset[str] = frozenset()
    """Layers with an active alert."""
    verdict: str = ""
    remedy: str = ""
    """The action of the remedy key; empty without a remedy."""
    log: tuple[tuple[float, str], ...] = ()

    @property
    def summary(self) -> str:
        """State and progress in the few columns of the header."""
        if self.state in ("training", "paused", "pausing", "stopping"):
            return f"{self.state} {self.progress:.0%}"
        return "" if self.state == "ready" else self.state


def view_of(
    board: Board,
    *,
    active: bool,
    pausing: bool,
    stopping: bool,
    preparation: str = "",
    usage: str = "",
    recipe: str = "",
    keep_best: bool = False,
) -> RunView:
    """Make the snapshot of a board and the session's state."""
    batch, epoch, ended = board.batch, board.epoch, board.ended
    verdict = board.remedied or next(reversed(board.standing.values()), None)
    return RunView(
        state=_state(board, active, pausing, stopping),
        detail=_detail(board, keep_best) or ("" if board.started else preparation),
        recipe=recipe,
        ended=ended is not None,
        step=ended.step if ended else batch.step if batch else 0,
        by_steps=board.by_steps or bool(board.started and not board.started.epochs),
        epoch=ended.epoch if ended else batch.epoch if batch else 0,
        epochs=board.started.epochs if board.started else 0,
        epoch_progress=board.epoch_progress,
        progress=board.progress,
        seconds=board.seconds,
        seconds_left=None if ended else board.seconds_left,
        images_per_second=batch.images_per_second or None if batch else None,
        steps_per_second=batch.step / batch.seconds if batch and batch.seconds else None,
        lr=_known(batch.lr) if batch else None,
        train_loss=batch.loss if batch else None,
        val_loss=board.validation.loss if board.validation else None,
        l2_loss=batch.l2_loss if batch and not _is_foreign(board) else None,
        train_accuracy=_known(
            epoch.train_accuracy if epoch else batch.accuracy if batch else math.nan
        ),
        val_accuracy=_known(board.validation.accuracy if board.validation else math.nan),
        best=_best_words(board.best) if board.best else "",
        balanced=_balanced(board),
        usage=usage,
        layers=board.layers.layers if board.layers else (),
        troubled=frozenset(layer for _, layer in board.standing if layer),
        verdict=verdict.message if verdict else "",
        remedy=verdict.remedy.description if verdict and verdict.remedy else "",
        log=tuple(board.log),
    )


def _is_foreign(board: Board) -> bool:
    return bool(board.started and board.started.program)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _best_words(best: ValidationCompleted) -> str:
    """The best accuracy, or the lowest loss if another program reports no accuracy."""
    value = figure(best.loss) if math.isnan(best.accuracy) else f"{best.accuracy:.1%}"
    return f"{value}, epoch {best.epoch}"


def _balanced(board: Board) -> str:
    validation, started = board.validation, board.started
    if validation is None or validation.balanced_accuracy is None or started is None:
        return ""
    known = [
        (recall, label) for label, recall in enumerate(validation.recalls) if recall is not None
    ]
    words = f"{validation.balanced_accuracy:.1%}"
    if not known or len(validation.recalls) != len(started.classes):
        return words
    recall, label = min(known)
    return f"{words}, lowest {started.classes[label]} {recall:.0%}"


def _state(board: Board, active: bool, pausing: bool, stopping: bool) -> str:
    if board.ended:
        return {"completed": "done"}.get(board.ended.reason, board.ended.reason)
    if not active and board.started is None:
        return "ready"
    if stopping:
        return "stopping"
    if board.paused or pausing:
        return "paused" if board.paused and pausing else "pausing" if pausing else "resuming"
    return "training" if board.started else "starting"


def _detail(board: Board, keep_best: bool) -> str:
    ended = board.ended
    if ended is None:
        return ""
    if ended.reason == "failed" or (ended.message and not ended.step):
        # The verdict may say the same with more room.
        told = any(alert.message == ended.message for alert in board.standing.values())
        return f"in epoch {ended.epoch}, step {ended.step:,}" if told else ended.message
    where = f"in epoch {ended.epoch}" if ended.reason == "stopped" else ""
    return ", ".join(part for part in (where, _test_words(board, keep_best)) if part)


def _test_words(board: Board, keep_best: bool) -> str:
    """Return the accuracy on the test split, and of which weights it is if that is a question."""
    ended, best = board.ended, board.best
    if ended is None or ended.test_accuracy is None:
        return ""
    words = f"test {ended.test_accuracy:.1%}{balanced_words(ended.test_balanced_accuracy)}"
    if best is None or best.epoch == ended.epoch:
        return words
    if keep_best:
        return f"{words} with the weights of epoch {best.epoch}, the best"
    return f"{words} with the last weights, best val {best.accuracy:.1%} in epoch {best.epoch}"


class Usage:
    """Processor time since the last call, and memory now."""

    def __init__(self) -> None:
        self._then = self._now()

    def text(self) -> str:
        """Return ``cpu 187% 212 MB``; processor time of all cores since the last call."""
        (cpu, clock), self._then = self._then, self._now()
        share = (self._then[0] - cpu) / max(1e-3, self._then[1] - clock)
        return f"cpu {share:.0%} {held_memory() / 1e6:.0f} MB"

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.process_time(), time.monotonic()
