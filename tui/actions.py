"""Every command in one table, from which keys, the key bar, help and the palette are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Command:
    """Something a person can do; ``scope`` is where its keys are bound."""

    scope: str
    keys: str
    action: str
    label: str
    """One or two words for the key bar."""
    help: str
    shown: str = ""
    """How the keys are written, where that is not the first of them."""
    in_bar: bool = True


LIST = "list"
"""Only while the list of layers has the focus: letters typed into a form are text."""
BUILD = "build"
TRAIN = "train"
APP = "app"

COMMANDS = (
    Command(LIST, "i,insert", "screen.insert_layer", "insert", "Insert a layer after the chosen one"),
    Command(LIST, "enter", "screen.edit", "edit", "Edit the chosen row in the form; esc leads back",
            "enter"),
    Command(LIST, "x,delete", "screen.remove_layer", "delete", "Delete the chosen layer"),
    Command(LIST, "J,shift+down", "screen.move(1)", "move", "Move the layer down or up", "J/K"),
    Command(LIST, "K,shift+up", "screen.move(-1)", "move up", "Move the layer up", in_bar=False),
    Command(LIST, "D", "screen.duplicate", "duplicate", "Put a copy behind the chosen layer", in_bar=False),
    Command(LIST, "u", "screen.undo", "undo", "Undo and redo without limit"),
    Command(LIST, "U", "screen.redo", "redo", "Take back an undo", in_bar=False),
    Command(LIST, "t", "app.recipe", "recipe", "Go to the recipe: epochs, optimizer, learning rate",
            in_bar=False),
    Command(LIST, "n", "app.new_network", "new", "Begin an empty network", in_bar=False),
    Command(LIST, "o", "app.open_network", "open", "Open a preset or a file", in_bar=False),
    Command(LIST, "s", "app.save_network", "save", "Save the network as a TOML file"),
    Command(BUILD, "ctrl+s", "app.save_network", "save", "Save", in_bar=False),
    Command(BUILD, "ctrl+z", "screen.undo", "undo", "Undo", in_bar=False),
    Command(BUILD, "ctrl+y", "screen.redo", "redo", "Redo", in_bar=False),
    Command(BUILD, "f5", "app.train", "train", "Train this network", "F5"),
    Command(TRAIN, "f5,enter", "app.train", "start", "Start training, from fresh weights", "F5"),
    Command(TRAIN, "space", "app.pause", "pause", "Pause and resume", "space"),
    Command(TRAIN, "x", "app.stop", "stop", "End the run after the current batch"),
    Command(TRAIN, "g", "screen.log_scale", "log scale", "Loss on a logarithmic scale"),
    Command(TRAIN, "t", "app.recipe", "recipe", "Change the recipe for the next run"),
    Command(APP, "1", "app.mode('build')", "build", "Build: the network", in_bar=False),
    Command(APP, "2", "app.mode('train')", "train", "Train: curves and control", in_bar=False),
    Command(APP, "question_mark,f1", "app.help", "help", "This help", "?"),
    Command(APP, "ctrl+p", "app.command_palette", "palette", "Every command by name", in_bar=False),
    Command(APP, "q,ctrl+q,ctrl+c", "app.leave", "quit", "Leave; asks if something would be lost"),
)  # fmt: skip


def commands(*scopes: str) -> Iterator[Command]:
    """The commands of some scopes in their order."""
    return (command for command in COMMANDS if command.scope in scopes)


def bindings(scope: str) -> list[Binding]:
    """Textual's bindings for a scope."""
    return [
        Binding(
            command.keys,
            command.action,
            command.label,
            show=command.in_bar,
            key_display=command.shown or None,
            tooltip=command.help,
            id=f"{scope}.{command.action.partition('(')[0]}.{command.keys.partition(',')[0]}",
        )
        for command in commands(scope)
    ]


def key_words(command: Command) -> str:
    """The keys of a command as help writes them."""
    first = command.keys.split(",")[0]
    return command.shown or first.replace("ctrl+", "^").replace("f5", "F5")
