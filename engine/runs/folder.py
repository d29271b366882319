"""The folder of a run: its files, and the small ones among them read and written."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from cnn_tui.engine.decoding import (
    Count,
    Figure,
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
from cnn_tui.engine.formats import RUN, decode_known
from cnn_tui.engine.runs.names import DEMO_RUN, folder_of, make_folder, runs_home
from cnn_tui.engine.specs.codec import dumps_network, load_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.engine.training.events import SettingChanged

MOST_TAGS, MOST_NOTE, MOST_SETTINGS = 1_000, 10_000, 10_000
"""Limits: tags of a run, characters of a note, and settings of another program."""
ConfigValue = bool | Figure | Text | None
"""A setting of another program."""
_MOST_INFO, _MOST_NOTES = 16 << 20, 1 << 20
"""Limits in bytes; run.json is long where a reproduced run had many setting changes."""

README = """\
# {name}: a run of cnn-tui

| file | is |
|---|---|
| network.toml | the architecture and the recipe; `cnn-tui check network.toml` reads it |
| run.json | when the run began, on which data, and the data's digest |
| environment.jsonl | versions and machine, one line for each process that worked on the run |
| events.jsonl | one event per line: epochs, checkpoints, alerts, the end |
| metrics.jsonl | one training step per line |
| checkpoints/ | the last states, from which `cnn-tui resume {name}` continues to the same bits |
| best.safetensors | the state with the best validation accuracy, in the safetensors format |
| summary.json | the latest figures, rewritten every second during training |
| notes.json | tags and a note, if there are any |
| lock | the process that writes here |
| commands/ | requests to the trainer, such as to pause |

The folder may be moved and copied while the run is not trained. `cnn-tui watch {name}` shows it.
"""


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a run reproduces and the one setting that differs; values are JSON text."""

    of: RunName
    """Name of the reproduced run."""
    setting: Word = ""
    """Path of the changed setting; empty if none was changed."""
    old: Text = ""
    new: Text = ""
    data_sha256: Word = ""
    """Digest of the reproduced run's images and labels; empty if other data is wanted."""
    steered: Annotated[tuple[SettingChanged, ...], msgspec.Meta(max_length=100_000)] = ()
    """Settings changed during the reproduced run, to be changed after the same steps."""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``run.json``: the origin of a run, written once at its beginning."""

    format: Count = RUN
    created: Word
    """Time in UTC, ISO 8601."""
    version: Word
    arch: Word
    data: PathText
    data_dir: PathText = ""
    data_sha256: Word = ""
    again: Reproduction | None = None
    """Set if the run reproduces another one."""
    origin: Word = ""
    """The run whose weights it began with."""
    program: Word = ""
    """The program that trains, if it is not cnn-tui: the run has no network of ours then."""
    config: Annotated[dict[Word, ConfigValue], msgspec.Meta(max_length=MOST_SETTINGS)] = {}
    """The settings that this program gave, by name."""


class Notes(msgspec.Struct, frozen=True):
    """``notes.json``: the tags and the note of a person."""

    tags: Annotated[tuple[RunName, ...], msgspec.Meta(max_length=MOST_TAGS)] = ()
    note: Annotated[str, msgspec.Meta(max_length=MOST_NOTE)] = ""


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run, and its small files."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.path.name

    @property
    def home(self) -> Path:
        """The folder of runs made from this one: that beside it, or of the demo the user's own."""
        return runs_home() if self.path == DEMO_RUN else self.path.parent

    @property
    def network_file(self) -> Path:
        """Architecture and recipe."""
        return self.path / "network.toml"

    @property
    def info_file(self) -> Path:
        """``run.json``, a :class:`RunInfo`."""
        return self.path / "run.json"

    @property
    def notes_file(self) -> Path:
        """``notes.json``, :class:`Notes`."""
        return self.path / "notes.json"

    @property
    def environment_file(self) -> Path:
        """Lines of :class:`cnn_tui.engine.runs.environment.Environment`."""
        return self.path / "environment.jsonl"

    @property
    def events_file(self) -> Path:
        """All events except those of single steps."""
        return self.path / "events.jsonl"

    @property
    def metrics_file(self) -> Path:
        """One ``batch_completed`` event for each step."""
        return self.path / "metrics.jsonl"

    @property
    def summary_file(self) -> Path:
        """A :class:`cnn_tui.engine.runs.summary.Summary`; its time of change is the heartbeat."""
        return self.path / "summary.json"

    @property
    def lock_file(self) -> Path:
        """The process that writes the run."""
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        """Folder of the latest states."""
        return self.path / "checkpoints"

    @property
    def states(self) -> list[Path]:
        """The files in ``checkpoints``, the furthest first; none if it is a link."""
        if not is_folder(self.checkpoints):
            return []
        paths = self.checkpoints.glob("step-*.safetensors")
        return sorted(filter(is_regular, paths), reverse=True)

    @property
    def best_file(self) -> Path:
        """The state of the best epoch."""
        return self.path / "best.safetensors"

    @property
    def commands(self) -> Path:
        """Folder of requests to the trainer and their answers."""
        return self.path / "commands"

    def require_own_folders(self) -> None:
        """Refuse links in place of ``checkpoints`` and ``commands``, which lead out of the run.

        Raises:
            RunError: if one of them is not a folder.
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
        """Read ``run.json``.

        Raises:
            RunError: if this is not a run, or one of a later version.
        """
        try:
            content = read_file(self.info_file, _MOST_INFO)
            return decode_known(content, RunInfo, RUN, f"The run {self.name}")
        except FileNotFoundError:
            raise RunError(
                f"{self.path} is not a run: it has no run.json.", "cnn-tui runs lists them."
            ) from None
        except (OSError, UnreadableError) as error:
            raise RunError(f"{self.info_file} cannot be read: {reason_of(error)}.") from None

    def network(self) -> Network:
        """Read the architecture and the recipe.

        Raises:
            SpecError: if the file cannot be read.
            RunError: if another program trained the run.
        """
        if not os.path.lexists(self.network_file) and (program := self.info().program):
            raise RunError(
                f"The run {self.name} was trained by {program}: it has no network of cnn-tui.",
                "Its figures can be watched, compared and exported.",
            )
        return load_network(self.network_file, links=False)

    def notes(self) -> Notes:
        """Read tags and note; empty if the file is missing or unreadable."""
        try:
            return decode(read_file(self.notes_file, _MOST_NOTES), Notes)
        except (OSError, UnreadableError):
            return Notes()


def create_run(
    root: Path,
    network: Network | None,
    info: RunInfo,
    storage: Storage,
    name: str = "",
    *,
    base: str = "",
) -> RunFolder:
    """Create the folder of a new run under ``root``, with its architecture and ``run.json``.

    It is called ``name``, or else ``base``, or as the network, with the next free number;
    ``network`` is None for a run of another program.

    Raises:
        RunError: if the folder cannot be written, or the name is taken.
    """
    try:
        if name:
            folder = RunFolder(root / name)
            folder.path.mkdir(parents=True)
        else:
            folder = RunFolder(make_folder(root, base or (network.name if network else "")))
        try:
            _fill(folder, network, info, storage)
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
    except OSError as error:
        raise RunError(
            f"No run can be kept in {root}: {reason_of(error)}.",
            "Choose another folder with --runs-dir, or train with --no-record.",
        ) from None
    return folder


def _fill(folder: RunFolder, network: Network | None, info: RunInfo, storage: Storage) -> None:
    folder.commands.mkdir()
    replace_file(storage, folder.path / "README.md", [readme(folder.name, info.program)])
    if network is not None:
        folder.checkpoints.mkdir()
        replace_file(storage, folder.network_file, [dumps_network(network).encode()])
    # The last file: a folder without it is not a run.
    replace_file(storage, folder.info_file, [encode(info)])


def readme(name: str, program: str = "") -> bytes:
    """The README of a run's folder, for a person who finds it."""
    lines = README.format(name=name).splitlines(keepends=True)
    if program:
        lines = [line for line in lines if not line.startswith(_OWN)]
        lines.insert(1, f"\nRecorded while {program} trained it.\n")
    return "".join(lines).encode()


_OWN = ("| network", "| environment", "| checkpoints", "| best")
"""Lines about files that only a training of cnn-tui writes."""


def open_run(root: Path, name: str) -> RunFolder:
    """Open the folder of the run called ``name``.

    Raises:
        RunError: if there is no such run, or a later version wrote it.
    """
    folder = RunFolder(folder_of(root, name))
    folder.info()
    return folder
