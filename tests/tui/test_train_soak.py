"""A run of a million batches costs the screen no more than a short one.

``make soak`` gives it a million batches; otherwise it has a tenth of them.
"""

from __future__ import annotations

import os

from scripted import batch, epoch_end, started, validation

from cnn_tui.engine.system_memory import held_memory
from cnn_tui.engine.training.events import LayerHealth, LayersMeasured, RunEvent
from cnn_tui.tui.dashboard.board import Board
from cnn_tui.tui.dashboard.pictures import KINDS, picture
from cnn_tui.tui.dashboard.series import CAPACITY
from cnn_tui.tui.dashboard.viewport import Viewport
from cnn_tui.tui.mailbox import Mailbox
from cnn_tui.tui.widgets.chart import rasterise

STEPS = int(os.environ.get("CNN_TUI_SOAK_STEPS", "100000"))
EPOCH = 1000
BETWEEN_LOOKS = 500
MOST_POINTS = 12 * (CAPACITY + 3)
"""A dozen curves at most."""


def happens_at(step: int) -> list[RunEvent]:
    epoch, number = (step - 1) // EPOCH + 1, (step - 1) % EPOCH + 1
    news: list[RunEvent] = [batch(step, 2.0 / (1 + step % 977), epoch, number)]
    if number % 100 == 0:
        news.append(measured(step, epoch))
    if number == EPOCH:
        news += [validation(step, epoch), epoch_end(step, epoch)]
    return news


def measured(step: int, epoch: int) -> LayersMeasured:
    return LayersMeasured(
        step=step,
        epoch=epoch,
        layers=(LayerHealth(layer="conv1", type="conv", update_ratio=1e-3),),
        images=64,
        input_mean=0.0,
        input_std=1.0,
        score_range=1.0,
        commonest_class=0,
        commonest_share=0.1,
    )


def draw(board: Board) -> int:
    """Draw all charts; returns how many points they are made of."""
    points = 0
    for kind in KINDS:
        plot = picture(kind, board, 16, Viewport()).plot
        if plot is not None:
            rasterise(plot, 58, 19)
            points += sum(len(curve.points) for curve in plot.curves)
    return points


def test_memory_and_what_is_drawn_stay_as_they_are() -> None:
    board, mailbox = Board(), Mailbox()
    board.apply(started(epochs=STEPS // EPOCH, batches=EPOCH))
    points, sizes = list[int](), list[int]()
    for step in range(1, STEPS + 1):
        for event in happens_at(step):
            mailbox.put(event)
        if step % BETWEEN_LOOKS == 0:
            for event in mailbox.drain():
                board.apply(event)
        if step % (STEPS // 20) == 0:
            points.append(draw(board))
            sizes.append(held_memory())
    # The first fifth fills what is bounded.
    assert sizes[-1] < sizes[4] * 1.05 + 2_000_000
    assert max(points) <= MOST_POINTS
    assert board.batch is not None
    assert board.batch.step == STEPS
