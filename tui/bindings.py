"""Textual's bindings, made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding, BindingType

from cnn_tui.tui.actions import APP, CHARTS, commands
from cnn_tui.tui.build_actions import BUILD, LIST
from cnn_tui.tui.command import Command


def bindings(scope: str) -> list[BindingType]:
    """Return Textual's bindings for a scope.

    While the list has the focus, all of its keys act at once, as do those of the screen and the
    app. Otherwise each key would travel to the app first; in a burst of keys, as after a stalled
    link, the second would still reach the screen that the first one left.
    """
    at_once = scope == LIST
    return [
        _binding(command, key, command.shown if first else "", at_once)
        for command in commands(*((LIST, BUILD, APP) if at_once else (scope,)))
        for first, key in _keys(command)
    ]


def charts_of(scope: str) -> list[BindingType]:
    """Return the bindings of the charts, without the keys that a scope uses itself."""
    taken = {key for command in commands(scope) for key in command.keys.split(",")}
    return [
        binding
        for binding in bindings(CHARTS)
        if isinstance(binding, Binding) and binding.key not in taken
    ]


def _keys(command: Command) -> Iterator[tuple[bool, str]]:
    for position, key in enumerate(command.keys.split(",")):
        yield position == 0, key


def _binding(command: Command, key: str, shown: str, at_once: bool) -> Binding:
    return Binding(
        key,
        command.action,
        command.label,
        show=command.in_bar,
        key_display=shown or ("F1" if key == "f1" else None),
        priority=at_once,
        tooltip=command.help,
        id=f"{command.scope}.{command.action}.{key}",
    )
