"""What a run has on disk, and what of it could be cleaned up, in words."""

from __future__ import annotations

from cnn_tui.engine.runs.cleanup import Kind, Spare
from cnn_tui.engine.runs.states import State

SPARE_KEYS: dict[Kind, str] = {"bin": "b", "states": "s", "leftovers": "l"}


def spare_words(spare: Spare) -> str:
    """What it is and of how many runs, without its size."""
    plural = "s" * (spare.runs != 1)
    match spare.kind:
        case "bin":
            return f"the bin, with {spare.runs:,} run{plural}"
        case "states":
            return f"of {spare.runs:,} complete run{plural} all states but the best"
        case "leftovers":
            return f"of {spare.runs:,} run{plural} states that were set aside"


def state_words(state: State) -> str:
    """Where in the run it was kept: ``epoch 5``, ``epoch 5 and 12 batches``."""
    batches = f"{state.batch:,} batch{'es' * (state.batch != 1)}" if state.batch else ""
    epoch = f"epoch {state.epochs_done:,}" if state.epochs_done else ""
    return " and ".join(filter(None, (epoch, batches))) or "nothing"
