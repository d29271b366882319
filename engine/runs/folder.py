"""The folder of a run: which file in it is what."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from cnn_tui.engine.decoding import (
    Count,
    PathText,
    RunName,
    Text,
    UnreadableError,
    Word,
    decode,
    encode,
)
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_folder, is_regular, read_file, require_folder
from cnn_tui.engine.runs.names import folder_of, make_folder
from cnn_tui.engine.specs.codec import dumps_network, load_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import SettingChanged

FORMAT = 1
"""Of the folder; a later version that changes it counts on."""
MOST_TAGS, MOST_NOTE = 1_000, 10_000
"""Tags, and characters of a note."""
_MOST_INFO, _MOST_NOTES = 16 << 20, 1 << 20
"""Bytes that are read; what was changed on the way makes run.json long."""

README = """\
# {name}: a run of cnn-tui

| file | is |
|---|---|
| network.toml | the architecture and the recipe; `cnn-tui check network.toml` reads it |
| run.json | when the run began, on which data, and their digests |
| environment.jsonl | versions and machine, one line for each process that worked on the run |
| events.jsonl | what happened, one line each: epochs, checkpoints, alerts, the end |
| metrics.jsonl | every training step, one line each |
| checkpoints/ | the last states from which `cnn-tui resume {name}` goes on to the same bits |
| best.safetensors | the state with the best validation accuracy, in the safetensors format |
| summary.json | the latest figures, rewritten while the run goes |
| notes.json | tags and a note, if there are any |
| lock | which process writes here |
| commands/ | requests to the trainer, such as to pause |

The folder may be moved and copied while nothing trains. `cnn-tui watch {name}` shows it live.
"""


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """What a run repeats, and what is different in it; values as JSON writes them."""

    of: RunName
    """The name of that run."""
    setting: Word = ""
    """Path of the one value that was changed; empty if none was."""
    old: Text = ""
    new: Text = ""
    data_sha256: Word = ""
    """Of its images and labels; empty if others are wanted."""
    steered: Annotated[tuple[SettingChanged, ...], msgspec.Meta(max_length=100_000)] = ()
    """What somebody changed while it went, and is to be changed after the same steps again."""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``run.json``: what a run is, written once."""

    format: Count = FORMAT
    created: Word
    """In UTC, ISO 8601."""
    version: Word
    arch: Word
    data: PathText
    data_dir: PathText = ""
    data_sha256: Word = ""
    again: Reproduction | None = None
    """Set where the run repeats another."""


class Notes(msgspec.Struct, frozen=True):
    """``notes.json``: what a person added."""

    tags: Annotated[tuple[RunName, ...], msgspec.Meta(max_length=MOST_TAGS)] = ()
    note: Annotated[str, msgspec.Meta(max_length=MOST_NOTE)] = ""


class _Format(msgspec.Struct):
    format: Count


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run, and its small files."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.path.name

    @property
    def network_file(self) -> Path:
        """Architecture and recipe."""
        return self.path / "network.toml"

    @property
    def info_file(self) -> Path:
        """:class:`RunInfo`."""
        return self.path / "run.json"

    @property
    def notes_file(self) -> Path:
        """:class:`Notes`."""
        return self.path / "notes.json"

    @property
    def environment_file(self) -> Path:
        """Lines of :class:`cnn_tui.engine.runs.environment.Environment`."""
        return self.path / "environment.jsonl"

    @property
    def events_file(self) -> Path:
        """Every event but those of single steps."""
        return self.path / "events.jsonl"

    @property
    def metrics_file(self) -> Path:
        """One ``batch_completed`` for each step."""
        return self.path / "metrics.jsonl"

    @property
    def summary_file(self) -> Path:
        """:class:`cnn_tui.engine.runs.summary.Summary`; its age is the heartbeat."""
        return self.path / "summary.json"

    @property
    def lock_file(self) -> Path:
        """Who writes."""
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        """The latest states."""
        return self.path / "checkpoints"

    @property
    def states(self) -> list[Path]:
        """The files in ``checkpoints``, the furthest first; none if that leads elsewhere."""
        if not is_folder(self.checkpoints):
            return []
        found = self.checkpoints.glob("step-*.safetensors")
        return sorted(filter(is_regular, found), reverse=True)

    @property
    def best_file(self) -> Path:
        """The best state."""
        return self.path / "best.safetensors"

    @property
    def commands(self) -> Path:
        """Requests and their answers."""
        return self.path / "commands"

    def require_own_folders(self) -> None:
        """Refuse links in place of the folders in it, which would lead out of the run.

        Raises:
            RunError: if there is one.
        """
        for path in filter(os.path.lexists, (self.checkpoints, self.commands)):
            try:
                require_folder(path)
            except OSError as error:
                raise RunError(
                    f"The run {self.name} cannot be used: {reason_of(error)}.",
                    f"Put a folder in the place of {path}; only the whole run may be a link.",
                ) from None

    def info(self) -> RunInfo:
        """What the run is.

        Raises:
            RunError: if this is no run, or one of a later version.
        """
        try:
            content = read_file(self.info_file, _MOST_INFO)
            found = decode(content, _Format).format
            if found <= FORMAT:
                return decode(content, RunInfo)
        except FileNotFoundError:
            raise RunError(
                f"{self.path} is not a run: it has no run.json.", "cnn-tui runs lists them."
            ) from None
        except (OSError, UnreadableError) as error:
            raise RunError(f"{self.info_file} cannot be read: {reason_of(error)}.") from None
        raise RunError(
            f"The run {self.name} was written by a later cnn-tui: its format is {found}, this one "
            f"reads up to {FORMAT}.",
            "Update cnn-tui.",
        )

    def network(self) -> Network:
        """Its architecture and recipe.

        Raises:
            SpecError: if they cannot be read.
        """
        return load_network(self.network_file, links=False)

    def notes(self) -> Notes:
        """What a person added; nothing if it cannot be read."""
        try:
            return decode(read_file(self.notes_file, _MOST_NOTES), Notes)
        except (OSError, UnreadableError):
            return Notes()


def create_run(root: Path, network: Network, info: RunInfo, storage: Storage) -> RunFolder:
    """A new folder under ``root`` with all that is known before the first step.

    Raises:
        RunError: if it cannot be written there.
    """
    try:
        folder = RunFolder(make_folder(root, network.name or "run"))
        try:
            _fill(folder, network, info, storage)
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
    except OSError as error:
        raise RunError(
            f"No run can be kept in {root}: {reason_of(error)}.",
            "Name another folder with --runs-dir, or train with --no-record.",
        ) from None
    return folder


def _fill(folder: RunFolder, network: Network, info: RunInfo, storage: Storage) -> None:
    folder.checkpoints.mkdir()
    folder.commands.mkdir()
    replace_file(storage, folder.path / "README.md", [readme(folder.name)])
    replace_file(storage, folder.network_file, [dumps_network(network).encode()])
    # The last one: a folder without it is no run.
    replace_file(storage, folder.info_file, [encode(info)])


def readme(name: str) -> bytes:
    """The text for a person who finds the folder."""
    return README.format(name=name).encode()


def open_run(root: Path, name: str) -> RunFolder:
    """The folder of the run called ``name``.

    Raises:
        RunError: if there is none, it is no run, or of a later version.
    """
    folder = RunFolder(folder_of(root, name))
    folder.info()
    return folder
