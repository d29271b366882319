"""What the builder says about a row when nothing is wrong."""

from __future__ import annotations

from cnn_tui.engine.specs.explain import explain
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.edits import layer_at
from cnn_tui.tui.outline import Row
from cnn_tui.tui.palette import EXPLANATIONS
from cnn_tui.tui.words import times

EMPTY = (
    "No layers yet: i inserts the first one, o opens a preset. "
    "The last layer gives one score for each class."
)


def advice_for(network: Network, row: Row) -> str:
    """One or two sentences about the chosen row."""
    if not network.layers:
        return EMPTY
    match row.kind:
        case "input":
            return "Every image has this shape: channels x height x width."
        case "loss":
            return "What training makes small: how wrong the scores of the last layer are."
        case "training":
            return "How it is trained: everything besides network, loss and data."
    layer = layer_at(network, row.path)
    return f"{row.title.strip()}: {EXPLANATIONS[type(layer)]}."


def explanation_for(network: Network, row: Row) -> tuple[str, ...]:
    """The arithmetic of the chosen row."""
    if row.kind == "input":
        values = network.input[0] * network.input[1] * network.input[2]
        return ("channels x height x width", f"{times(network.input)} = {values:,} values")
    if row.kind != "layer":
        return ()
    return tuple(line for note in explain(network, row.path) for line in note.lines)
