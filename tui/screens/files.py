"""Opening and saving networks: the dialogs and what can go wrong, in words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.app import App

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.building.recent import recent_files, remember
from cnn_tui.tui.screens.dialog import Answer, Item, Picker, Prompt, Question
from cnn_tui.tui.words import clean


async def ask_for_network(app: App[None]) -> tuple[Network, Path | None] | None:
    """Let a person choose a preset or name a file; None if they did not or it cannot be read."""
    # Here and below: the TOML library takes a tenth of the time to the first screen.
    from cnn_tui.engine.specs.presets import load_preset, preset_names, resolve

    recent = _by_name(recent_files())
    items = [Item(name, f"your file, {clean(str(path))}") for name, path in recent.items()]
    items += [Item(name, load_preset(name).description) for name in preset_names()]
    chosen = await app.push_screen_wait(Picker("Open", items, free="the path of a TOML file"))
    if not chosen:
        return None
    is_preset = chosen in preset_names() and chosen not in recent
    path = recent.get(chosen, Path(chosen).expanduser())
    try:
        network = load_preset(chosen) if is_preset else resolve(str(path))
    except CnnTuiError as error:
        complain(app, error)
        return None
    if not is_preset:
        remember(path)
    return network, None if is_preset else path


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by their names; a name that is taken gives way to the whole path."""
    found: dict[str, Path] = {}
    for path in paths:
        name = clean(path.name)
        found[clean(str(path)) if name in found else name] = path
    return found


async def ask_where_to_save(app: App[None], network: Network, source: Path | None) -> Path | None:
    """The file to write; another file than ``source`` is overwritten only after asking."""
    suggestion = str(source or f"{network.name or 'untitled'}.toml")
    answer = await app.push_screen_wait(Prompt("Save as", suggestion))
    path = Path(answer).expanduser()
    if not answer or path == source or not path.exists():
        return path if answer else None
    question = Question(f"{path} exists already.", [Answer("y", "overwrite it")])
    return path if await app.push_screen_wait(question) == "y" else None


def save(app: App[None], network: Network, path: Path) -> bool:
    """Write the file; False if that failed, after saying why."""
    from cnn_tui.engine.specs.codec import save_network

    try:
        save_network(network, path)
    except CnnTuiError as error:
        complain(app, error)
        return False
    except OSError as error:
        app.notify(f"{path} cannot be written: {error.strerror}.", severity="error", markup=False)
        return False
    remember(path)
    app.notify(f"Saved to {path}.", markup=False)
    return True


def complain(app: App[None], error: CnnTuiError) -> None:
    """Show an error, long enough to read it."""
    app.notify(str(error), severity="error", timeout=10, markup=False)
