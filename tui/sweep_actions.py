"""The commands on sweeps: the rows of their keys in the table of commands."""

from __future__ import annotations

from cnn_tui.tui.command import Command

SWEEPS = "sweeps"
"""Keys of the list of sweeps."""

SWEEP = "sweep"
"""Keys of one sweep."""

SWEEP_COMMANDS = (
    Command(SWEEPS, "enter", "screen.open", "open", "Open the sweep, live if it runs", "enter"),
    Command(SWEEPS, "f5", "screen.start", "start", "Start a sweep from a file", "F5"),
    Command(SWEEPS, "R", "screen.resume", "resume", "Resume the sweep"),
    Command(SWEEPS, "x", "screen.stop", "stop", "Stop the sweep"),
    Command(SWEEPS, "f", "screen.refine", "refine", "Start a finer one around the best"),
    Command(SWEEP, "escape,backspace", "screen.back", "back", "Back to the list", "esc"),
    Command(SWEEP, "enter", "screen.open", "run", "Open the trial as a run", "enter"),
    Command(SWEEP, "c", "screen.view(1)", "view", "Next, previous view", "c/C", name="Next view"),
    Command(SWEEP, "C", "screen.view(-1)", "view before", in_bar=False, name="Previous view"),
    Command(SWEEP, "right", "screen.field(1)", "field", "Choose a field", "left/rt"),
    Command(SWEEP, "left", "screen.field(-1)", "field before", in_bar=False),
    Command(SWEEP, "s", "screen.sort(1)", "sort", "Next, previous order", "s/S", False),
    Command(SWEEP, "S", "screen.sort(-1)", "order before", in_bar=False),
    Command(SWEEP, "slash", "screen.filter", "filter", "Filter trials", "/", False),
    Command(SWEEP, "p", "screen.prune", "prune", "End the trial early"),
    Command(SWEEP, "a", "screen.add", "add", "Add trials"),
    Command(SWEEP, "x", "screen.stop", "stop", "Stop the sweep"),
    Command(SWEEP, "R", "screen.resume", "resume", "Resume the sweep"),
    Command(SWEEP, "f", "screen.refine", "refine", "Start a finer one around the best", "", False),
    Command(SWEEP, "i", "screen.inspect", "inspect", "Look inside the trial", in_bar=False),
    Command(SWEEP, "f5", "screen.start", "start", "Start a sweep from a file", "F5", False),
)
