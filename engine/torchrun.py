"""The variables by which PyTorch's ``torchrun`` tells each process its place."""

from __future__ import annotations

import os

from cnn_tui.engine.errors import EngineError


def number_in(variable: str, default: int = 0) -> int:
    """The number in a variable of torchrun.

    Raises:
        EngineError: if it is none.
    """
    text = os.environ.get(variable, str(default))
    if not text.isdecimal():
        raise EngineError(
            f"The environment variable {variable} is {text!r}, which is no number.",
            "torchrun sets it; unset it to train in one process.",
        )
    return int(text)


def is_one_of_several() -> bool:
    """Whether torchrun started this process with others, to compute one training."""
    return number_in("WORLD_SIZE", 1) > 1 and "RANK" in os.environ


def follows() -> bool:
    """Whether another process leads: it has the data and the run."""
    return is_one_of_several() and os.environ["RANK"] != "0"


def launcher() -> str:
    """A name of the torchrun that started this process; empty if none did.

    It stays the same when torchrun starts its processes again.
    """
    run = os.environ.get("TORCHELASTIC_RUN_ID", "")
    return f"{run}:{os.getppid()}" if run else ""


def is_restarted() -> bool:
    """Whether torchrun has started this process again, after one of them ended."""
    return number_in("TORCHELASTIC_RESTART_COUNT") > 0
