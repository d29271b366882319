"""The list of runs: a row for each, details of one, and choices in dialogs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from cnn_tui.engine.runs.cleanup import Kind, Reclaimable, TrashedRun
from cnn_tui.engine.runs.history import Order, RunEntry
from cnn_tui.engine.runs.summary import Summary
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.dashboard.series import sparkline
from cnn_tui.tui.history.sweep_folds import FOLDED, NO_FOLDS, UNFOLDED, Folds, best_of, folded
from cnn_tui.tui.rows import Column, Item, Line, Run, TableRow
from cnn_tui.tui.words import (
    clean,
    clock,
    compact,
    count,
    epochs_words,
    figure,
    fit,
    megabytes,
    percent,
)

if TYPE_CHECKING:
    from cnn_tui.engine.runs.checkpoints import KeptState


_COLUMNS = (
    Column("run"),
    Column("state"),
    Column("network", rank=3, role="dim"),
    Column("data", rank=2, role="dim"),
    Column("epochs", right=True),
    Column("best", right=True),
    Column("test", right=True, rank=1),
    Column("val accuracy", rank=1, role="dim"),
    Column("MB", right=True, rank=5, role="dim"),
    Column("tags", rank=2),
    Column("what differs", rank=4, most=40),
)
_OPTIONAL = ("tags", "what differs")
"""Columns that are left out if they are empty in all rows."""

_CURVE = 12

_ROLES = {"running": "accent", "paused": "warn"} | dict.fromkeys(
    ("crashed", "failed", "unreadable"), "error"
)


def listing(
    entries: Sequence[RunEntry],
    differing: Mapping[str, str],
    folds: Folds = NO_FOLDS,
    unfolded: Collection[str] = (),
) -> tuple[tuple[Column, ...], tuple[TableRow, ...]]:
    """Return the columns, and the rows of runs and of sweeps, in which their trials are folded.

    Args:
        entries: The runs in order.
        differing: The settings in which a run differs, by its name.
        folds: The trials of each sweep, which has a row with the key :func:`sweep_key`.
        unfolded: The sweeps whose trials are listed below them.
    """
    accuracies = [value for entry in entries for value in entry.summary.curve]
    scale = (min(accuracies, default=0.0), max(accuracies, default=1.0))
    shown = list(folded(entries, folds, unfolded))
    trials = {trial.name for own in folds.values() for trial in own}
    cells = [
        _sweep_cells(one, folds[one], scale, is_open=one in unfolded)
        if isinstance(one, str)
        else _cells(one, differing.get(one.name, ""), scale, "  " * (one.name in trials))
        for one in shown
    ]
    kept = [
        at
        for at, column in enumerate(_COLUMNS)
        if column.title not in _OPTIONAL or any(row[at] for row in cells)
    ]
    keys = [(sweep_key(one), "") if isinstance(one, str) else _key(one) for one in shown]
    rows = (
        TableRow(key, tuple(row[at] for at in kept), role)
        for (key, role), row in zip(keys, cells, strict=True)
    )
    return tuple(_COLUMNS[at] for at in kept), tuple(rows)


def sweep_key(sweep: str) -> str:
    """Return the key of the row of a sweep, which no run can have."""
    return f"{sweep}/"


def _key(entry: RunEntry) -> tuple[str, str]:
    return entry.name, _ROLES.get(entry.shown_state, "")


def _sweep_cells(
    sweep: str, trials: Sequence[RunEntry], scale: tuple[float, float], *, is_open: bool
) -> tuple[str, ...]:
    best = best_of(trials).summary
    return (
        f"{UNFOLDED if is_open else FOLDED} {sweep}",
        count(len(trials), "run"),
        best.arch,
        best.data,
        "",
        percent(best.best_val_accuracy),
        percent(best.test_accuracy),
        sparkline(best.curve, _CURVE, scale=scale),
        megabytes(sum(trial.bytes or 0 for trial in trials)),
        "",
        "",
    )


def _cells(
    entry: RunEntry, differing: str, scale: tuple[float, float], indent: str = ""
) -> tuple[str, ...]:
    summary = entry.summary
    return (
        indent + entry.name,
        entry.shown_state,
        summary.arch,
        summary.data,
        epochs_words(summary.epoch, summary.epochs),
        percent(summary.best_val_accuracy),
        percent(summary.test_accuracy),
        sparkline(summary.curve, _CURVE, scale=scale),
        megabytes(entry.bytes or 0),
        " ".join(entry.tags),
        differing,
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


Settings = Sequence[tuple[str, str]]
"""Names and values of settings, in words."""


def about(entry: RunEntry, differing: str, width: int) -> tuple[Line, ...]:
    """Return details of a run that its row has no room for; texts go on below.

    Args:
        entry: The run.
        differing: The settings in which the listed runs differ, with its values.
        width: Columns of the lines.
    """
    role = _ROLES.get(entry.shown_state, "dim")
    return (
        *_figures(entry, width),
        *_wrapped(_end(entry), role, width),
        *(
            _wrapped(f"reproduces {entry.summary.again_of}", "accent", width)
            if entry.summary.again_of
            else ()
        ),
        *(_wrapped(clean(entry.note), "", width) if entry.note else ()),
        *(_wrapped(f"differs: {differing}", "", width) if differing else ()),
    )


def _wrapped(words: str, role: str, width: int) -> Iterator[Line]:
    return (((line, role),) for line in wrap(words, max(8, width)))


_SETTING = 27
"""Columns of a setting, its value included."""


def in_columns(settings: Settings, width: int) -> Iterator[Line]:
    """Yield settings side by side, in columns from top to bottom."""
    count = max(1, width // _SETTING)
    rows = -(-len(settings) // count)
    for at in range(rows):
        runs: list[Run] = []
        for name, value in settings[at::rows]:
            runs += [(f"{name:<16} ", "dim"), (fit(value, _SETTING - 18) + " ", "")]
        yield tuple(runs)


def _figures(entry: RunEntry, width: int) -> tuple[Line, ...]:
    summary = entry.summary
    at = "" if summary.best_epoch is None else f" in epoch {summary.best_epoch}"
    best = f", best {percent(summary.best_val_accuracy)}{at}" if at else ""
    if not best and summary.val_loss is not None:
        best = f", val loss {figure(summary.val_loss)}"
    first, *rest = wrap(f"{entry.name}  {_of_what(summary)}", width)
    name, of = first[: len(entry.name)], first[len(entry.name) :]
    when = f"{summary.created[:16].replace('T', ' ')} UTC"
    took = f"{summary.step:,} steps in {clock(summary.seconds)}{best}"
    return (
        ((name, "strong"), (of, "")),
        *(((line, ""),) for line in rest),
        *_wrapped(f"{when}   {took}", "dim", width),
    )


def _of_what(summary: Summary) -> str:
    known = filter(None, (clean(summary.arch), clean(summary.data)))
    if summary.program:
        rate = f", lr {summary.lr:g}" if summary.lr else ""
        params = f", {compact(summary.params)} params" if summary.params else ""
        return f"{' on '.join(known)}{params}{rate}, trained by {clean(summary.program)}"
    recipe = f"{summary.optimizer}, lr {summary.lr:g}" if summary.optimizer else "no layers"
    return f"{' on '.join(known)}, {compact(summary.params)} params, {recipe}"


def _end(entry: RunEntry) -> str:
    if entry.unreadable:
        return clean(entry.unreadable)
    if entry.state == "crashed":
        why = "its process ended without finishing the run"
        resumes = "; {runs.resume} resumes from the last checkpoint"
        resumes = "" if entry.summary.program else keyed(resumes)
        return f"crashed: {why}{resumes}"
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


def items_for(entries: Sequence[RunEntry], drawn: Collection[str]) -> list[Item]:
    """Return the runs to pick from; of those that are drawn it is said."""
    return [
        Item(entry.name, ("drawn, enter removes it: " if entry.name in drawn else "") + _of(entry))
        for entry in entries
    ]


def _of(entry: RunEntry) -> str:
    summary = entry.summary
    best = f", best val {percent(summary.best_val_accuracy)}" if summary.best_val_accuracy else ""
    known = " on ".join(filter(None, (clean(summary.arch), clean(summary.data))))
    return f"{known}, {count(summary.epoch, 'epoch')}{best}"
