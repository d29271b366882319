"""The list of runs: a row for each, details of one, and choices in dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnn_tui.engine.runs.cleanup import Kind, Reclaimable, TrashedRun
from cnn_tui.engine.runs.history import Order, RunEntry
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.rows import Column, Item, Line, TableRow
from cnn_tui.tui.words import clean, clock, compact, count, megabytes, percent

if TYPE_CHECKING:
    from cnn_tui.engine.runs.checkpoints import KeptState


COLUMNS = (
    Column("run"),
    Column("state"),
    Column("network", rank=3),
    Column("data", rank=2),
    Column("epochs", right=True),
    Column("best", right=True),
    Column("test", right=True, rank=1),
    Column("val accuracy", rank=1),
    Column("MB", right=True, rank=4),
    Column("tags", rank=2),
)

_CURVE = 12

_ROLES = {"running": "accent", "paused": "warn"} | dict.fromkeys(
    ("crashed", "failed", "unreadable"), "error"
)


def records(entries: Sequence[RunEntry]) -> tuple[TableRow, ...]:
    """Return a row for each run."""
    return tuple(
        TableRow(entry.name, _cells(entry), _ROLES.get(entry.shown_state, "")) for entry in entries
    )


def _cells(entry: RunEntry) -> tuple[str, ...]:
    summary = entry.summary
    return (
        entry.name,
        entry.shown_state,
        summary.arch,
        summary.data,
        f"{summary.epoch}/{summary.epochs}",
        percent(summary.best_val_accuracy),
        percent(summary.test_accuracy),
        sparkline(summary.curve, _CURVE),
        megabytes(entry.bytes or 0),
        " ".join(entry.tags),
    )


def listing_words(
    entries: Sequence[RunEntry], binned: Sequence[TrashedRun], order: Order, words: str
) -> Line:
    """Return the number of runs, their size, order and filter."""
    used = sum(entry.bytes or 0 for entry in entries)
    listed = f" {count(len(entries), 'run')}, {megabytes(used)} MB, sorted by {order} (s)"
    size = sum(run.bytes for run in binned)
    bin_ = f"; bin: {count(len(binned), 'run')}, {megabytes(size)} MB" if binned else ""
    filtered = f"; filter: {clean(words)}" if words else ""
    return ((listed + bin_, "dim"), (filtered, "warn"))


def binned_words(run: TrashedRun) -> str:
    """Describe a run in the bin."""
    best = f", best {percent(run.best_val_accuracy)}" if run.best_val_accuracy is not None else ""
    return f"{clean(run.arch) or 'no run'}{best}, {megabytes(run.bytes)} MB"


def about(entry: RunEntry | None) -> tuple[Line, ...]:
    """Return details of a run that its row has no room for."""
    if entry is None:
        return ()
    summary = entry.summary
    at = "" if summary.best_epoch is None else f" in epoch {summary.best_epoch}"
    best = f", best {percent(summary.best_val_accuracy)}{at}" if at else ""
    recipe = f"{summary.optimizer}, lr {summary.lr:g}" if summary.optimizer else "no layers"
    return (
        (
            (f" {entry.name}  ", "strong"),
            (f"{clean(summary.arch)} on {clean(summary.data)}, ", ""),
            (f"{compact(summary.params)} params, {recipe}", ""),
        ),
        (
            (f" {summary.created[:16].replace('T', ' ')} UTC", "dim"),
            (f"   {summary.step:,} steps in {clock(summary.seconds)}{best}", ""),
        ),
        (
            (f" {_end(entry)}", _ROLES.get(entry.shown_state, "dim")),
            (f"; reproduces {summary.again_of}" if summary.again_of else "", "accent"),
        ),
        *([((f" {clean(entry.note)}", ""),)] if entry.note else []),
    )


def _end(entry: RunEntry) -> str:
    if entry.unreadable:
        return clean(entry.unreadable)
    if entry.state == "crashed":
        why = "its process ended without finishing the run"
        return f"crashed: {why}; R resumes from the last checkpoint"
    message = clean(entry.summary.message)
    return f"{entry.state}: {message}" if message else entry.state


SPARE_KEYS: dict[Kind, str] = {"bin": "b", "states": "s", "leftovers": "l"}


def spare_words(spare: Reclaimable) -> str:
    """Describe reclaimable files and their number of runs, without the size."""
    runs = count(spare.runs, "run")
    match spare.kind:
        case "bin":
            return f"the bin, with {runs}{_links(spare)}"
        case "states":
            return f"all checkpoints but the best of {count(spare.runs, 'complete run')}"
        case "leftovers":
            return f"checkpoints of {runs} that were set aside"


def _links(spare: Reclaimable) -> str:
    if not spare.links:
        return ""
    linked = count(len(spare.links), "link")
    return f" ({linked} to folders elsewhere, which stay)"


def state_words(state: KeptState) -> str:
    """Return the position of a checkpoint: ``epoch 5``, ``epoch 5 and 12 batches``."""
    batches = f"{state.batch:,} batch{'es' * (state.batch != 1)}" if state.batch else ""
    epoch = f"epoch {state.epochs_done:,}" if state.epochs_done else ""
    return " and ".join(filter(None, (epoch, batches))) or "nothing"


MOST = 4
"""More runs could not be distinguished."""


def items_for(entries: Sequence[RunEntry], drawn: Sequence[str], own: str) -> list[Item]:
    """Return the runs that can be drawn, or removed if they are drawn."""
    return [
        Item(entry.name, ("drawn, enter removes it: " if entry.name in drawn else "") + _of(entry))
        for entry in entries
        if entry.name != own
    ]


def _of(entry: RunEntry) -> str:
    summary = entry.summary
    best = f", best val {percent(summary.best_val_accuracy)}" if summary.best_val_accuracy else ""
    return f"{clean(summary.arch)} on {clean(summary.data)}, {summary.epoch} epochs{best}"
