"""Comparing a reproduction with its original: same bits, first difference, or figures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from cnn_tui.engine.runs.checkpoints import KeptState, kept_states
from cnn_tui.engine.runs.environment import last_environment
from cnn_tui.engine.runs.folder import Reproduction, RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.summary import summarize
from cnn_tui.engine.runs.tensors import TensorFile
from cnn_tui.engine.specs.paths import setting_words, value_words
from cnn_tui.engine.training.events import Alert, BatchCompleted

_DIGITS = 8
"""Digits of a checksum that are shown to people."""
_FIGURES = ("step", "batch", "lr", "loss", "l2_loss", "accuracy")
_CAUSES = ("numpy", "engine", "blas", "cpu", "cnn_tui", "python", "host")
"""Fields of the environment that may explain different bits, the likeliest first."""


def judge(original: RunFolder, repeated: RunFolder, again: Reproduction, step: int) -> Alert:
    """Compare a completed run of ``step`` steps with the run that it reproduces.

    Raises:
        RunError: if a state of either run is damaged.
    """
    if again.setting:
        message = _figures(original, repeated, again)
        return Alert(code="compared", message=message, step=step, severity="praise")
    steps, parted = _steps_alike(original, repeated)
    states = _common_states(original, repeated)
    digests = [TensorFile(Path(state.path)).arrays_digest()[:_DIGITS] for state in states]
    if not parted and len(set(digests)) > 1:
        parted = f"{steps} are equal, but the weights after step {states[0].step:,} differ"
    if parted:
        message = f"Not the bits of {original.name}: {parted}. {_causes(original, repeated)}"
        return Alert(code="other-bits", message=message.strip(), step=step)
    weights = (
        f"and so are the weights after step {states[0].step:,} (sha256 {digests[0]}...)"
        if states
        else "but the runs have no state of the same step to compare weights"
    )
    message = f"The same bits as {original.name}: {steps} are equal, {weights}."
    return Alert(code="same-bits", message=message, step=step, severity="praise")


def _steps_alike(first: RunFolder, second: RunFolder) -> tuple[str, str]:
    """The number of compared steps, and the first difference; empty if there is none."""
    count = longest = 0
    for then, now in zip_longest(_steps(first), _steps(second)):
        longest += 1
        if then is None or now is None:
            continue
        parted = _parted(then, now)
        if parted:
            return "", f"they differ from step {now.step:,}, {parted}"
        count += 1
    return (f"all {count:,} steps" if count == longest else f"the {count:,} steps of both"), ""


def _steps(folder: RunFolder) -> Iterator[BatchCompleted]:
    events = read_events(folder.metrics_file)
    return (event for event in events if isinstance(event, BatchCompleted))


def _parted(then: BatchCompleted, now: BatchCompleted) -> str:
    """The first figure that differs; empty if all are equal."""
    for name in _FIGURES:
        # As text, in which NaN equals NaN.
        old, new = repr(getattr(then, name)), repr(getattr(now, name))
        if old != new:
            return f"{name.replace('_', ' ')} {old} then, {new} now"
    return ""


def _common_states(first: RunFolder, second: RunFolder) -> tuple[KeptState, ...]:
    """The latest state of each run after the same step; empty if there is none."""
    ours = {(state.step, state.epochs_done): state for state in kept_states(first)}
    for state in kept_states(second):
        if (state.step, state.epochs_done) in ours:
            return ours[state.step, state.epochs_done], state
    return ()


def _causes(original: RunFolder, repeated: RunFolder) -> str:
    then, now = last_environment(original), last_environment(repeated)
    changed = [
        f"{name.replace('_', '-')} was {getattr(then, name)}, is {getattr(now, name)}"
        for name in _CAUSES
        # Earlier versions did not record every one of these.
        if then and now and getattr(then, name) not in ("", getattr(now, name))
    ]
    return f"What changed: {'; '.join(changed)}." if changed else ""


def _figures(original: RunFolder, repeated: RunFolder, again: Reproduction) -> str:
    then, now = _best(original), _best(repeated)
    return (
        f"{setting_words(again.setting)} {value_words(again.new)} in place of "
        f"{value_words(again.old)}: best validation {now}; "
        f"{original.name} has {then}."
    )


def _best(folder: RunFolder) -> str:
    summary = summarize(folder.events_file, "")
    if summary.best_val_accuracy is None:
        return "none"
    return f"{summary.best_val_accuracy:.2%} in epoch {summary.best_epoch}"
