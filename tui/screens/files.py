"""Opening and saving networks: dialogs and error messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual.app import App

from cnn_tui.engine.errors import CnnTuiError, reason_of
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui import screens
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.fields import form_fields
from cnn_tui.tui.building.recent import NETWORKS
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.rows import Item
from cnn_tui.tui.training import Places
from cnn_tui.tui.words import clean

Opened = tuple[Network, Path | None, Trained | None]
"""A network with its file and its weights, as far as it has them."""


async def ask_for_network(app: App[None]) -> Opened | None:
    """Ask for a preset or a file; returns None if cancelled or unreadable."""
    # Imported late, here and below: the TOML library takes a tenth of the time to first paint.
    from cnn_tui.engine.specs.presets import FOREIGN, load_preset, preset_names

    recent = _by_name(NETWORKS.paths())
    items = [Item(name, f"your file, {clean(str(path))}") for name, path in recent.items()]
    items += [Item(name, load_preset(name).description) for name in preset_names()]
    picker = screens.Picker("Open", items, "the path of a file", _require_readable)
    chosen = await app.push_screen_wait(picker)
    if not chosen:
        return None
    is_preset = chosen in preset_names() and chosen not in recent
    path = recent.get(chosen, Path(chosen).expanduser())
    try:
        if is_preset:
            return load_preset(chosen), None, None
        if path.suffix.lower() in FOREIGN:
            return await _imported(app, path)
        return *_opened(path), None
    except CnnTuiError as error:
        complain(app, error)
        return None


def _require_readable(name: str) -> None:
    """Read a file that a path names, but for one of another program, which may take seconds."""
    from cnn_tui.engine.specs.presets import FOREIGN

    path = Path(name).expanduser()
    if path.suffix.lower() not in FOREIGN or not path.exists():
        _opened(path)


def _opened(path: Path) -> tuple[Network, Path]:
    from cnn_tui.engine.specs.codec import load_network
    from cnn_tui.engine.specs.presets import file_of

    path = file_of(str(path)) or path
    network = load_network(path)
    NETWORKS.add(path)
    return network, path


async def _imported(app: App[None], path: Path) -> Opened | None:
    """Import from another program's file, which is never written to; None if cancelled."""
    from cnn_tui.engine.importing.reading import import_network
    from cnn_tui.engine.importing.result import OpenSizeError

    # A model contains its weights, and may take seconds to read.
    try:
        imported = await asyncio.to_thread(import_network, path)
    except OpenSizeError as error:
        size = await _ask_for_size(app, error.smallest)
        if size is None:
            raise
        imported = await asyncio.to_thread(import_network, path, size)
    answer, trained = "", None
    if imported.held is not None:
        answers = [
            screens.Answer("w", "keep them as a run, and open the network with them"),
            screens.Answer("a", "open the architecture alone"),
        ]
        about = f"{path.name} holds trained weights."
        question = screens.Question("Import its weights?", answers, about)
        answer = await app.push_screen_wait(question)
        if not answer:
            return None
    kept = "its weights are not imported"
    if answer == "w":
        runs_dir = getattr(app, "places", Places()).runs
        folder = await asyncio.to_thread(imported.keep, runs_dir, path.name)
        trained = Trained(folder, imported.network)
        kept = f"its weights are the run {folder.name}: " + keyed(
            "{build.train} trains on from them, {app.runs} lists it"
        )
    for note in (kept, *imported.notes):
        app.notify(f"{path.name}: {note}", markup=False)
    return imported.network, None, trained


async def _ask_for_size(
    app: App[None], suggestion: tuple[int, int, int] | None
) -> tuple[int, int, int] | None:
    """Ask for channels, height and width; returns None without three numbers."""
    field = next(field for field in form_fields(Network) if field.name == "input")
    shown, about = field.show(suggestion or (3, 32, 32)), "channels x height x width"
    prompt = screens.Prompt("Size of the images", shown, field.parse, about)
    answer = await app.push_screen_wait(prompt)
    return field.parse(answer) if answer else None


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Return files by their names; a duplicate name is replaced by the whole path."""
    by_name: dict[str, Path] = {}
    for path in paths:
        name = clean(path.name)
        by_name[clean(str(path)) if name in by_name else name] = path
    return by_name


async def _ask_where_to_save(app: App[None], network: Network, source: Path | None) -> Path | None:
    """Ask for a path; overwriting a file other than ``source`` needs an answer.

    A new name without a suffix gets ``.toml``.
    """
    suggestion = str(source or f"{network.name or 'untitled'}.toml")
    answer = await app.push_screen_wait(screens.Prompt("Save as", suggestion, _check_target))
    path = Path(answer).expanduser()
    if answer and not path.suffix and not path.exists():
        path = path.with_name(f"{path.name}.toml")
    if not answer or path == source or not path.exists():
        return path if answer else None
    answers = [screens.Answer("y", "overwrite it")]
    question = screens.Question("Overwrite the file?", answers, f"{path} already exists.")
    return path if await app.push_screen_wait(question) == "y" else None


def _check_target(text: str) -> None:
    path = Path(text).expanduser()
    if path.is_dir():
        raise ValueError("is a folder: add the name of a file, such as net.toml")
    if not path.parent.is_dir():
        raise ValueError("needs a folder that exists")


async def may_replace(app: App[None], builder: Builder) -> bool:
    """Whether the network may be replaced; asks if edits would be lost."""
    if not builder.document.dirty:
        return True
    answers = [
        screens.Answer("y", "continue without saving (undo restores it)"),
        screens.Answer("s", "save"),
    ]
    about = "The network has unsaved changes."
    answer = await app.push_screen_wait(screens.Question("Replace the network?", answers, about))
    return answer == "y" or (answer == "s" and await save(app, builder))


@dataclass(frozen=True)
class Leaving:
    """What quitting would end or lose."""

    running: bool
    """Whether the app trains a run."""
    kept: bool
    """Whether that run is in a folder, so that another process can train on."""
    detached: str
    """The name of a run that this app has handed to another process; empty without one."""


async def may_quit(app: App[None], builder: Builder, leaving: Leaving) -> Literal["", "y", "d"]:
    """Ask before quitting if a run or edits would be lost; empty to stay.

    Returns ``d`` if the run shall train on without the app.
    """
    reasons, answers = [], []
    if leaving.running:
        reasons.append("A run is active.")
        if leaving.kept:
            answers.append(screens.Answer("d", "quit; the run trains on without the app"))
        with_checkpoint = " with a checkpoint" if leaving.kept else ""
        answers.append(screens.Answer("y", f"quit; the run stops{with_checkpoint}"))
    else:
        answers.append(screens.Answer("y", "quit without saving"))
    if leaving.detached:
        reasons.append(f"The run {leaving.detached} trains on without the app.")
    if builder.document.dirty:
        reasons.append("The network has unsaved changes.")
        stops = "; the run stops" if leaving.running else ""
        answers.append(screens.Answer("s", f"save, then quit{stops}"))
    if not leaving.running and not builder.document.dirty:
        return "y"
    answer = await app.push_screen_wait(screens.Question("Quit?", answers, "\n".join(reasons)))
    if answer == "s":
        return "y" if await save(app, builder) else ""
    return "d" if answer == "d" else "y" if answer else ""


async def save(app: App[None], builder: Builder) -> bool:
    """Write the network to its file, or ask for one; returns whether it was written.

    A file that another program has changed is not overwritten without asking.
    """
    source = builder.document.source
    if source is None:
        return await save_as(app, builder)
    if _changed_meanwhile(source, builder.document.held):
        about = f"{source} was changed by another program."
        answers = [screens.Answer("y", "overwrite it"), screens.Answer("a", "save as another file")]
        question = screens.Question("Overwrite the file?", answers, about)
        answer = await app.push_screen_wait(question)
        if answer != "y":
            return answer == "a" and await save_as(app, builder)
    return _save_to(app, builder, source)


async def save_as(app: App[None], builder: Builder) -> bool:
    """Write the network to another file, which becomes its own; returns whether it was written."""
    document = builder.document
    path = await _ask_where_to_save(app, document.network, document.source)
    if path is None:
        return False
    if document.source is None and document.network.name == "untitled":
        builder.rename(path.stem)
    return _save_to(app, builder, path)


def _save_to(app: App[None], builder: Builder, path: Path) -> bool:
    """Write the file; returns False after reporting a failure."""
    from cnn_tui.engine.specs.codec import save_network

    try:
        save_network(builder.network, path)
    except CnnTuiError as error:
        complain(app, error)
        return False
    except OSError as error:
        app.notify(f"{path} cannot be written: {reason_of(error)}.", severity="error", markup=False)
        return False
    NETWORKS.add(path)
    app.notify(f"Saved to {path}.", markup=False)
    builder.mark_saved(path)
    return True


def _changed_meanwhile(path: Path, held: Network) -> bool:
    """Whether a file exists and holds another network than ``held``."""
    from cnn_tui.engine.specs.codec import load_network

    try:
        return path.exists() and load_network(path) != held
    except (CnnTuiError, OSError):
        return True


def complain(app: App[None], error: CnnTuiError) -> None:
    """Show an error, long enough to read it."""
    app.notify(str(error), severity="error", timeout=10, markup=False)
