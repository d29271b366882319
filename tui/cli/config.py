"""``cnn-tui config``: settings and keys, shown and changed."""

from __future__ import annotations

import os

import click
import msgspec

from cnn_tui.engine.errors import SpecError, reason_of
from cnn_tui.tui import settings
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line, print_note, print_table
from cnn_tui.tui.command import Command
from cnn_tui.tui.config import KEYS, Value, config_file, keep, read_file
from cnn_tui.tui.keymap import keymap


class SettingEntry(msgspec.Struct, frozen=True):
    """An entry of ``config --json``; ``value`` is null where the usual one holds."""

    name: str
    value: Value | None
    origin: str
    usual: str
    variable: str
    accepts: str


class KeyEntry(msgspec.Struct, frozen=True):
    """An entry of ``config keys --json``; ``keys`` are Textual's names, with commas between."""

    name: str
    keys: str
    does: str
    own: bool


@click.command("config")
@click.argument("name", shell_complete=completing.settings, required=False)
@click.argument("value", shell_complete=completing.values, required=False)
@click.option("--unset", is_flag=True, help="Remove NAME from the file: its usual value holds.")
@click.option("--path", is_flag=True, help="Print the path of the file.")
@options.as_json
def command(name: str | None, value: str | None, unset: bool, path: bool, as_json: bool) -> None:
    """Show the settings, or the keys of all commands (`config keys`); set NAME to VALUE.

    NAME is a setting, or a command as `config keys` lists it, whose VALUE is a key: P, ctrl+k, f8;
    several with commas.
    """
    if path:
        print_line(str(config_file()))
    elif name is None:
        _show_settings(as_json)
    elif name == KEYS and value is None:
        _show_keys(as_json)
    elif unset:
        _unset(name)
    elif value is None:
        _show_one(name)
    else:
        _set(name, value)


def _settings() -> list[SettingEntry]:
    found = {one.setting.name: one for one in settings.found(os.environ)}
    return [
        SettingEntry(
            name=row.name,
            value=found[row.name].value if row.name in found else None,
            origin=found[row.name].origin if row.name in found else "",
            usual=row.usual,
            variable=row.variable,
            accepts=row.accepts,
        )
        for row in settings.SETTINGS
    ]


def _show_settings(as_json: bool) -> None:
    entries = _settings()
    if as_json:
        print_json(entries)
        return
    rows = [
        (
            entry.name,
            entry.usual if entry.value is None else _words(entry.value),
            entry.origin or "usual",
            entry.variable,
        )
        for entry in entries
    ]
    print_table(("setting", "value", "from", "variable"), rows, wrap=("from",))
    print_line("cnn-tui config NAME VALUE sets one, config keys lists the keys of all commands.")


def _show_keys(as_json: bool) -> None:
    usual = {row.id: row.keys for row in keymap({}).commands}
    entries = [
        KeyEntry(row.id, row.keys, row.title, row.keys != usual[row.id]) for row in _commands()
    ]
    if as_json:
        print_json(entries)
        return
    rows = [(one.name, one.keys, "own" if one.own else "", one.does) for one in entries]
    print_table(("command", "keys", "", "does"), rows, wrap=("does",))


def _commands() -> tuple[Command, ...]:
    saved, _ = read_file()
    return tuple(keymap(saved.get(KEYS, {})).commands)


def _show_one(name: str) -> None:
    for entry in _settings():
        if entry.name == name:
            print_line(entry.usual if entry.value is None else _words(entry.value))
            return
    print_line(_command(name).keys)


def _set(name: str, given: str) -> None:
    if row := settings.setting_of(name):
        value = row.parse(given)
        if value is None:
            raise SpecError(settings.refusal(row, given))
        _keep(name, value)
        print_line(f"{name} = {_words(value)}, in {config_file()}")
        return
    _command(name)
    saved, _ = read_file()
    own = saved.get(KEYS, {})
    changed = keymap({**(own if isinstance(own, dict) else {}), name: given})
    if trouble := next((line for line in changed.troubles if line.startswith(name)), ""):
        raise SpecError(trouble)
    _keep(name, given, KEYS)
    print_line(f"{name} = {given}, in {config_file()}")


def _unset(name: str) -> None:
    if settings.setting_of(name):
        _keep(name, None)
    else:
        _keep(_command(name).id, None, KEYS)
    print_line(f"{name} has its usual value.")


def _keep(name: str, value: Value | None, table: str = "") -> None:
    try:
        aside = keep(name, value, table)
    except OSError as error:
        row = settings.setting_of(name)
        hint = f"Set {row.variable} in the environment instead." if row else "Check its folder."
        raise SpecError(f"{config_file()} cannot be written: {reason_of(error)}.", hint) from None
    if aside:
        print_note(f"what could not be read is kept as {aside}")


def _command(name: str) -> Command:
    found = next((row for row in _commands() if row.id == name), None)
    if found:
        return found
    if "." in name:
        raise SpecError(keymap({name: ""}).troubles[0])
    raise SpecError(settings.unknown(name))


def _words(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)
