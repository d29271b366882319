"""What a run has on disk, and what of it could be cleaned up, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnn_tui.engine.runs.cleanup import Kind, Reclaimable
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    from cnn_tui.engine.runs.checkpoints import KeptState

SPARE_KEYS: dict[Kind, str] = {"bin": "b", "states": "s", "leftovers": "l"}


def spare_words(spare: Reclaimable) -> str:
    """What it is and of how many runs, without its size."""
    runs = count(spare.runs, "run")
    match spare.kind:
        case "bin":
            return f"the bin, with {runs}{_links(spare)}"
        case "states":
            return f"of {count(spare.runs, 'complete run')} all states but the best"
        case "leftovers":
            return f"of {runs} states that were set aside"


def _links(spare: Reclaimable) -> str:
    if not spare.links:
        return ""
    linked = count(len(spare.links), "link")
    return f" ({linked} to folders elsewhere, which stay)"


def state_words(state: KeptState) -> str:
    """Where in the run it was kept: ``epoch 5``, ``epoch 5 and 12 batches``."""
    batches = f"{state.batch:,} batch{'es' * (state.batch != 1)}" if state.batch else ""
    epoch = f"epoch {state.epochs_done:,}" if state.epochs_done else ""
    return " and ".join(filter(None, (epoch, batches))) or "nothing"
