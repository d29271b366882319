"""The commands of Build: the rows of its keys in the table of commands."""

from __future__ import annotations

from cnn_tui.tui.command import Command

LIST = "list"
"""Keys of the list of layers, bound only while it has the focus: in a form, letters are text."""

BUILD = "build"

BUILD_COMMANDS = (
    Command(LIST, "i,insert", "screen.insert_layer", "insert", "Insert a layer below"),
    Command(
        LIST,
        "I",
        "screen.insert_layer(True)",
        "insert above",
        "Insert above",
        in_bar=False,
        name="Insert a layer above",
    ),
    Command(LIST, "slash", "screen.quick_entry", "quick", "Type layers in a line", "/"),
    Command(LIST, "p", "screen.pattern", "pattern", "Layers from a pattern", in_bar=False),
    Command(LIST, "enter", "screen.edit", "edit", "Edit the row in the form", "enter"),
    Command(LIST, "x,delete", "screen.remove_layer", "delete", "Delete the layer"),
    Command(
        LIST,
        "J",
        "screen.move(1)",
        "move",
        "Move the layer down, up",
        "J/K",
        False,
        name="Move the layer down",
    ),
    Command(LIST, "K", "screen.move(-1)", "move up", in_bar=False, name="Move the layer up"),
    Command(LIST, "D", "screen.duplicate", "duplicate", "Duplicate the layer", in_bar=False),
    Command(
        LIST,
        "shift+down",
        "screen.extend(1)",
        "select",
        "Select several layers",
        "shift+up",
        in_bar=False,
        name="Extend the selection down",
    ),
    Command(
        LIST,
        "shift+up",
        "screen.extend(-1)",
        "select up",
        in_bar=False,
        name="Extend the selection up",
    ),
    Command(
        LIST,
        "left",
        "screen.fold",
        "fold",
        "Fold, unfold a block",
        "left/rt",
        False,
        name="Fold the block, or go to its heading",
    ),
    Command(
        LIST, "right", "screen.unfold", "unfold", in_bar=False, name="Unfold the block, or go in"
    ),
    Command(LIST, "f", "screen.fold_all", "fold all", "Fold, unfold all blocks", in_bar=False),
    Command(LIST, "w", "screen.wrap", "wrap", "Wrap in a block, unwrap", in_bar=False),
    Command(LIST, "B", "screen.add_branch", "branch", "Add a branch to the block", in_bar=False),
    Command(LIST, "y", "screen.copy", "copy", "Copy the layers as text", in_bar=False),
    Command(LIST, "T", "screen.transform", "transform", "Transform the layer", in_bar=False),
    Command(LIST, "v", "screen.picture", "picture", "The network as volumes", in_bar=False),
    Command(LIST, "u", "screen.undo", "undo", "Undo, redo, without limit", "u/U", name="Undo"),
    Command(LIST, "U", "screen.redo", "redo", in_bar=False, name="Redo"),
    Command(LIST, "t", "app.recipe", "recipe", "Recipe: epochs, lr, ...", in_bar=False),
    Command(LIST, "F", "screen.forecast", "forecast", "Forecast time and memory", in_bar=False),
    Command(LIST, "n", "screen.new_network", "new", "New, empty network", in_bar=False),
    Command(LIST, "o", "screen.open_network", "open", "Open a preset or a file", in_bar=False),
    Command(LIST, "s", "screen.save_network", "save", "Save to its TOML file"),
    Command(LIST, "S", "screen.save_as", "save as", "Save as another file", in_bar=False),
    Command(LIST, "W", "screen.keep_weights", "keep", "Keep its weights as a run", in_bar=False),
    Command(BUILD, "ctrl+s", "screen.save_network", "save", in_bar=False),
    Command(BUILD, "ctrl+z", "screen.undo", "undo", in_bar=False),
    Command(BUILD, "ctrl+y", "screen.redo", "redo", in_bar=False),
    Command(BUILD, "f5", "app.train", "train", "Train this network", "F5"),
)
