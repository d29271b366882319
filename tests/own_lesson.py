"""Lessons in tests: views as JSON, and a teacher's file with one thing changed."""

from __future__ import annotations

from contextlib import closing

from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.lessons.documents import JSON, as_json
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.watcher import NOBODY
from cnn_tui.tui.inspect.canvas import Wanted
from cnn_tui.tui.inspect.table import view_named

FILE = """
name = "small-net"
title = "A smaller network"
chapter = "Mine"
minutes = 5
text = "Make it smaller."
hints = ["One.", "Two.", "Three."]
why = "It has fewer parameters."

[start]
layers = [{ type = "fc", out_features = 20 }, { type = "relu" }, { type = "fc", out_features = 10 }]

[task]
text = "Use at most half of the parameters."

[[task.conditions]]
text = "half of the parameters"
of = "check"
path = "total_params"
times_start_at_most = 0.5
else = "{value} parameters, at the start {start}"

[solution]
base = "start"
layers = [{ type = "fc", out_features = 10 }]
"""


def look(folder: RunFolder, view: str, layer: str) -> JSON:
    """The JSON of a view of Inspect on a run."""
    row = view_named(view)
    assert row is not None
    with closing(Subject.of_run(folder, threads=2)) as subject:
        wanted = Wanted(layer=layer, folder=folder)
        return as_json(row.compute(subject, wanted, NOBODY).to_json())
