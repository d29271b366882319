"""What could be cleaned up, in words."""

from __future__ import annotations

from cnn_tui.engine.runs.cleanup import Kind, Spare

SPARE_KEYS: dict[Kind, str] = {"bin": "b", "states": "s", "leftovers": "l"}


def spare_words(spare: Spare) -> str:
    """What it is and of how many runs, without its size."""
    runs = f"{spare.runs:,} run{'s' * (spare.runs != 1)}"
    match spare.kind:
        case "bin":
            return f"the bin, with {runs}"
        case "states":
            return f"states of {runs} that are complete; the best of each stays"
        case "leftovers":
            return f"states of {runs} set aside as damaged or gone back from"
