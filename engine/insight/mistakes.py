"""The worst mistakes: images that are taken for another class, ranked by their loss."""

from __future__ import annotations

import msgspec
import numpy as np

from cnn_tui.engine.export.states import Guess, best_guesses
from cnn_tui.engine.insight.answers import Answers, answers
from cnn_tui.engine.insight.examples import SplitName
from cnn_tui.engine.insight.passes import Cancelled, Progress
from cnn_tui.engine.insight.subject import Subject

TOP = 5


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is taken for another class."""

    image: int
    """Place in the split."""
    true: str
    loss: float
    guesses: tuple[Guess, ...]
    """The likeliest classes, best first."""


class Mistakes(msgspec.Struct, frozen=True, kw_only=True):
    """The mistakes of a split, worst first."""

    split: str
    images: int
    """Images of the split."""
    wrong: int
    """All mistakes, also those that are not listed."""
    listed: tuple[Mistake, ...]


def mistakes(
    subject: Subject,
    split: SplitName = "validation",
    most: int = 100,
    progress: Progress = None,
    cancelled: Cancelled = None,
) -> Mistakes:
    """Find the ``most`` worst mistakes on a split.

    Raises:
        InsightError: if there is no data, or the weights are not finite.
        CancelledError: if ``cancelled`` says so.
    """
    return mistakes_in(subject, answers(subject, split, progress, cancelled), split, most)


def mistakes_in(subject: Subject, found: Answers, split: SplitName, most: int = 100) -> Mistakes:
    """The worst mistakes among answers."""
    wrong = np.flatnonzero(found.targets != found.predicted)
    losses = [_loss(subject, found, int(at)) for at in wrong]
    worst = np.argsort(-np.array(losses), kind="stable")[:most]
    return Mistakes(
        split=split,
        images=len(found.targets),
        wrong=len(wrong),
        listed=tuple(_mistake(subject, found, int(wrong[at]), losses[at]) for at in worst),
    )


def _loss(subject: Subject, found: Answers, at: int) -> float:
    return subject.model.loss_of(found.logits[at : at + 1], found.targets[at : at + 1])


def _mistake(subject: Subject, found: Answers, at: int, loss: float) -> Mistake:
    guesses = best_guesses(found.logits[at].astype(float), found.classes, subject.network, TOP)
    return Mistake(
        image=at,
        true=found.classes[int(found.targets[at])],
        loss=loss,
        guesses=tuple(guesses),
    )
