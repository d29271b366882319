"""Completions that a shell offers: architectures, runs, datasets, settings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]


def archs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Presets; files, once the word is none."""
    from cnn_tui.engine.specs.presets import preset_names

    return _beginning(preset_names(), incomplete) or [CompletionItem(incomplete, type="file")]


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Runs of the folder that the line names, the latest first."""
    from cnn_tui.engine.runs.names import run_names, runs_home

    root = ctx.params.get("runs_dir") or runs_home()
    names = sorted(run_names(root), key=lambda name: -_time(root / name))
    return _beginning(names, incomplete)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def lessons(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Lessons of the package; files, once the word is none."""
    from cnn_tui.engine.lessons.reading import shipped_lessons

    return _beginning(shipped_lessons(), incomplete) or [CompletionItem(incomplete, type="file")]


def sweeps(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Sweeps beside the runs of the folder that the line names, the latest first."""
    from cnn_tui.engine.runs.names import runs_home
    from cnn_tui.engine.sweeps.folder import list_sweeps

    found = list_sweeps(ctx.params.get("runs_dir") or runs_home())
    return _beginning((folder.name for folder in found), incomplete)


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Files."""
    return [CompletionItem(incomplete, type="file")]


def label_places(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the places that ``--labels-from`` knows, but for the names of columns."""
    return _beginning(("name", "folders", "first", "last"), incomplete)


def values(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Values of the setting that the line names, as far as they are words, or folders."""
    from cnn_tui.tui.settings import setting_of

    row = setting_of(ctx.params.get("name") or "")
    if row is None:
        return []
    if row.name == "runs":
        return [CompletionItem(incomplete, type="dir")]
    return _beginning(row.words(), incomplete)


def datasets(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Known datasets; files and folders, once the word is none."""
    from cnn_tui.engine.data.catalog import dataset_names

    return _beginning(dataset_names(), incomplete) or [CompletionItem(incomplete, type="file")]


def views(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Views of Inspect."""
    from cnn_tui.tui.inspect.table import VIEWS

    return _beginning([view.name for view in VIEWS], incomplete)


def settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Settings, and the commands that have keys."""
    from cnn_tui.tui.actions import COMMANDS
    from cnn_tui.tui.settings import SETTINGS

    names = [*(row.name for row in SETTINGS), "keys"]
    return _beginning(names, incomplete) or _beginning([row.id for row in COMMANDS], incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
