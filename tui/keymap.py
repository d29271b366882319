"""Keys of one's own: the table ``[keys]`` of ``config.toml``, such as ``"train.stop" = "X"``.

A command is named by the place where it works and its label (:attr:`Command.id`). The table of
commands is changed before a screen is imported, so that bindings, key bar, help and palette agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from cnn_tui.engine.specs.wording import nearest, show
from cnn_tui.tui.actions import APP, COMMANDS, use
from cnn_tui.tui.build_actions import BUILD, LIST
from cnn_tui.tui.command import Command, key_word
from cnn_tui.tui.config import KEYS, read_file
from cnn_tui.tui.lesson_actions import LESSON

_KEY = re.compile(r"((ctrl|shift|alt)\+)*([a-z0-9_]{2,}|[^\s,])")
_NAMES = {"/": "slash", "?": "question_mark", "<": "less_than_sign", ">": "greater_than_sign"}
"""Textual's names of characters that the table of commands writes out."""


class Keymap(NamedTuple):
    """The table of commands with keys of one's own; ``troubles`` is what was left out, and why."""

    commands: Sequence[Command]
    troubles: Sequence[str]


def use_own_keys() -> None:
    """Give the commands the keys of the user's file; before a screen is imported."""
    saved, _ = read_file()
    if KEYS in saved:
        use(keymap(saved[KEYS]).commands)


def keymap(own: object, table: Sequence[Command] = COMMANDS) -> Keymap:
    """Give commands other keys; one that is wrong, or would take another's key, keeps its own.

    Args:
        own: What the file has below ``[keys]``: commands and their keys, several with commas.
        table: The commands with their usual keys.
    """
    if not isinstance(own, Mapping):
        return Keymap(table, ("[keys] is no table of commands and keys.",))
    wanted: dict[str, str] = {}
    troubles = []
    known = {command.id for command in table}
    for name, keys in own.items():
        if trouble := _trouble(name, keys, known):
            troubles.append(trouble)
        else:
            wanted[name] = ",".join(map(_named, keys.split(",")))
    # A key that is taken may be free once its owner has given it up, so all are looked at together.
    while clash := _clash(changed := _with_keys(table, wanted), wanted):
        name, key, other = clash
        troubles.append(
            f"{name} = {show(key)}: {key_word(replace(other, keys=key))} is the key of {other.id} "
            "in the same place; give that another key as well."
        )
        del wanted[name]
    return Keymap(changed, troubles)


def _named(key: str) -> str:
    """Return Textual's name of a key, also of one as it stands on keyboards and in the bar."""
    if len(key) == 2 and key[0] == "^":
        key = f"ctrl+{key[1]}"
    return _NAMES.get(key, key.lower() if len(key) > 1 else key)


def _trouble(name: str, keys: object, known: set[str]) -> str:
    if name not in known:
        near = [one for one in known if one.startswith(name)] or nearest(name, known)
        hint = f"Did you mean {near[0]}?" if near else "cnn-tui config keys lists them."
        return f"there is no command {show(name)}. {hint}"
    if not isinstance(keys, str) or not all(_KEY.fullmatch(_named(key)) for key in keys.split(",")):
        return f'{name} = {show(keys)} is no key: write one such as "P", "ctrl+k" or "f8".'
    return ""


def _with_keys(table: Sequence[Command], wanted: Mapping[str, str]) -> list[Command]:
    commands = [
        replace(command, keys=wanted[command.id], shown="") if command.id in wanted else command
        for command in table
    ]
    for at, (first, second) in enumerate(pairwise(commands)):
        # Such as "z/Z", which stands for the command and the one that follows it.
        two = "/" in table[at].shown[1:]
        if two and {first.id, second.id} & wanted.keys():
            commands[at] = replace(first, shown=f"{key_word(first)}/{key_word(second)}")
    return commands


def _clash(
    commands: Sequence[Command], wanted: Mapping[str, str]
) -> tuple[str, str, Command] | None:
    """The first command with a key of one's own that is another's too, the key, and the other."""
    for command in commands:
        for key in command.keys.split(",") if command.id in wanted else ():
            for other in commands:
                if other is not command and key in other.keys.split(",") and _meet(command, other):
                    return command.id, key, other
    return None


def _meet(one: Command, other: Command) -> bool:
    """Whether both commands can be waiting for a key at the same time."""
    together = ({LIST, BUILD}, {one.scope}, {other.scope})
    return bool({APP, LESSON} & {one.scope, other.scope}) or {one.scope, other.scope} in together
