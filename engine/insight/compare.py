"""One image, three models: a linear classifier, a two-layer network, and the ConvNet."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_tui.engine.baselines.recipes import Baseline, network_for
from cnn_tui.engine.insight.beside import trained
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

_BESIDE: tuple[Baseline, ...] = ("linear-softmax", "two-layer")


@dataclass(frozen=True, eq=False)
class Decision:
    """The answer of one model to the image."""

    name: str
    run: str
    params: int
    scores: Array
    """``(classes,)``."""
    template: Array
    """The gradient of the highest score by the pixels, ``(C, H, W)``: how much each pixel counts
    here. For a linear classifier the template of the class, whatever the image."""

    @property
    def chosen(self) -> int:
        """The class with the highest score."""
        return int(self.scores.argmax())

    @property
    def probabilities(self) -> Array:
        """Softmax of the scores."""
        likely = np.exp(self.scores - self.scores.max())
        shares: Array = likely / likely.sum()
        return shares


@dataclass(frozen=True, eq=False)
class Comparison:
    """The decisions of all models on one image."""

    example: Examples
    classes: tuple[str, ...]
    decisions: tuple[Decision, ...]
    """The linear classifier first, the ConvNet last."""

    def to_json(self) -> dict[str, object]:
        """The decisions as plain values."""
        target = int(self.example.targets[0])
        return {
            "image": int(self.example.indices[0]),
            "class": self.classes[target] if target >= 0 else None,
            "models": [
                {
                    "name": decision.name,
                    "run": decision.run,
                    "params": decision.params,
                    "chosen": self.classes[decision.chosen],
                    "probabilities": dict(
                        zip(self.classes, decision.probabilities.tolist(), strict=True)
                    ),
                }
                for decision in self.decisions
            ],
        }


def compare(
    subject: Subject,
    example: Examples,
    root: Path,
    *,
    data_dir: Path | None = None,
    watcher: Watcher = NOBODY,
) -> Comparison:
    """Ask the network and two simpler ones, trained on the same data.

    Each is a run in ``root``, which a later call finds again.

    Raises:
        InsightError: if there is no data.
        CancelledError: if ``watcher`` cancels; the training can be resumed.
        CnnTuiError: if a training fails.
    """
    data = subject.require_data()
    decisions = []
    for baseline, part in zip(_BESIDE, watcher.parts(len(_BESIDE)), strict=True):
        network = network_for(
            baseline,
            data.input_shape,
            len(data.classes),
            len(data.train),
            data=subject.network.data,
        )
        other = trained(
            network,
            data,
            root,
            data_dir=data_dir,
            note=f"To compare {subject.name} with.",
            watcher=part,
        )
        with closing(other):
            decisions.append(_decide(other, baseline, example))
    own = _decide(subject, subject.network.name or "network", example)
    return Comparison(example, subject.classes, (*decisions, own))


def _decide(subject: Subject, name: str, example: Examples) -> Decision:
    with subject.model.opened(example.images[:1]) as inside:
        scores = inside.logits[0]
        template = inside.input_gradient(int(scores.argmax()))[0]
    return Decision(name, subject.name, subject.model.size, scores, template)
