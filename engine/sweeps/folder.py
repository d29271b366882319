"""The folder of a sweep: its files, and the small ones among them read and written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from cnn_tui.engine.decoding import (
    Count,
    PathText,
    Share,
    Text,
    UnreadableError,
    Word,
    decode,
    encode,
)
from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.files import is_folder, is_regular, read_file
from cnn_tui.engine.formats import SWEEP, decode_known
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import writer_lives
from cnn_tui.engine.runs.names import check_name, make_folder, run_names
from cnn_tui.engine.specs.wording import did_you_mean, show
from cnn_tui.engine.storage import Storage, replace_file

SWEEPS = ".sweeps"
"""Folder of the sweeps, inside the folder of runs; no run can have this name."""
_MOST = 1 << 20
"""Size limit of the small files, in bytes."""

Phase = Literal["running", "finished", "stopped", "failed"]

_README = """\
# {name}: a sweep of cnn-tui

| file | is |
|---|---|
| sweep.toml | what was asked: the base, the search and the space |
| base.toml | the architecture and the recipe that the points change |
| sweep.json | when the sweep began, and where its data are |
| trials.jsonl | one line for whatever happened to a trial |
| status.json | the state, the workers and the importance of the fields; the heartbeat |
| journal.log | Optuna's memory: `optuna-dashboard journal.log` shows it |
| lock | the process that coordinates |
| commands/ | requests to it, such as to stop |

Each trial is a run of its own in ../.. with the name of the sweep and the number of the trial.
`cnn-tui sweep resume {name}` continues the sweep.
"""


class SweepInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``sweep.json``: the origin of a sweep, written once at its beginning."""

    format: Count = SWEEP
    created: Word
    """Time in UTC, ISO 8601."""
    version: Word
    data_dir: PathText = ""
    token: Word = ""
    """Random; a worker that reads the same one shares the folder with the coordinator."""


class SweepStatus(msgspec.Struct, frozen=True, kw_only=True):
    """``status.json``: what is true now; rewritten every second, its time is the heartbeat."""

    phase: Phase = "running"
    message: Text = ""
    """Why the sweep ended, if it did not finish."""
    workers: Count = 0
    started: Word = ""
    """When the coordinator began, which may be a later one; UTC, ISO 8601."""
    ended: Word = ""
    importance: dict[Word, Share] = {}
    """Optuna's importance of each field, of all 1; empty while few trials have ended."""


@dataclass(frozen=True)
class SweepFolder:
    """The paths of one sweep, and its small files."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the sweep, with which the names of its runs begin."""
        return self.path.name

    @property
    def runs(self) -> Path:
        """The folder of runs that holds the trials."""
        return self.path.parent.parent

    @property
    def sweep_file(self) -> Path:
        """What was asked."""
        return self.path / "sweep.toml"

    @property
    def base_file(self) -> Path:
        """The architecture and the recipe that the points change."""
        return self.path / "base.toml"

    @property
    def info_file(self) -> Path:
        """``sweep.json``, a :class:`SweepInfo`."""
        return self.path / "sweep.json"

    @property
    def trials_file(self) -> Path:
        """Lines of :mod:`cnn_tui.engine.sweeps.lines`."""
        return self.path / "trials.jsonl"

    @property
    def status_file(self) -> Path:
        """``status.json``, a :class:`SweepStatus`."""
        return self.path / "status.json"

    @property
    def journal_file(self) -> Path:
        """The file of Optuna's ``JournalStorage``."""
        return self.path / "journal.log"

    @property
    def lock_file(self) -> Path:
        """The process that coordinates."""
        return self.path / "lock"

    @property
    def commands(self) -> Path:
        """Folder of requests to the coordinator and their answers."""
        return self.path / "commands"

    @property
    def coordinated(self) -> bool:
        """Whether a process coordinates the sweep now."""
        return writer_lives(self.lock_file, self.status_file)

    def run_of(self, run: str) -> RunFolder:
        """The folder of a trial's run, which may have been deleted."""
        return RunFolder(self.runs / run)

    def info(self) -> SweepInfo:
        """Read ``sweep.json``.

        Raises:
            RunError: if this is not a sweep, or one of a later version.
        """
        try:
            content = read_file(self.info_file, _MOST)
            return decode_known(content, SweepInfo, SWEEP, f"The sweep {self.name}")
        except FileNotFoundError:
            raise RunError(f"{self.path} is not a sweep: it has no sweep.json.") from None
        except (OSError, UnreadableError) as error:
            raise RunError(f"{self.info_file} cannot be read: {reason_of(error)}.") from None

    def status(self) -> SweepStatus:
        """Read ``status.json``; a new one if it is missing or unreadable."""
        try:
            return decode(read_file(self.status_file, _MOST), SweepStatus)
        except (OSError, UnreadableError):
            return SweepStatus()

    def write_status(self, status: SweepStatus) -> None:
        """Replace ``status.json``.

        Raises:
            OSError: if it cannot be written.
        """
        replace_file(Storage(), self.status_file, [encode(status)], durable=False)


def create_sweep(root: Path, name: str, info: SweepInfo, sweep: str, base: str) -> SweepFolder:
    """Create the folder of a new sweep under ``root``, the folder of runs.

    ``sweep`` and ``base`` are the texts of its two files; the name gets the next free number.

    Raises:
        RunError: if the folder cannot be written.
    """
    try:
        folder = SweepFolder(make_folder(root / SWEEPS, name))
        try:
            folder.commands.mkdir()
            readme = _README.format(name=folder.name)
            replace_file(Storage(), folder.path / "README.md", [readme.encode()])
            replace_file(Storage(), folder.sweep_file, [sweep.encode()])
            replace_file(Storage(), folder.base_file, [base.encode()])
            # The last file: a folder without it is not a sweep.
            replace_file(Storage(), folder.info_file, [encode(info)])
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
    except OSError as error:
        raise RunError(
            f"No sweep can be kept in {root}: {reason_of(error)}.",
            "Choose another folder with --runs-dir.",
        ) from None
    return folder


def list_sweeps(root: Path) -> list[SweepFolder]:
    """Every sweep beside the runs in ``root``, the one that was written last first."""
    place = root / SWEEPS
    if not is_folder(place):
        return []
    folders = [SweepFolder(place / name) for name in run_names(place)]
    found = [folder for folder in folders if is_regular(folder.info_file)]
    return sorted(found, key=_touched, reverse=True)


def open_sweep(root: Path, name: str) -> SweepFolder:
    """Open the sweep called ``name`` beside the runs in ``root``.

    Raises:
        RunError: if there is none, or a later version wrote it; the hint gives the nearest name.
    """
    folder = SweepFolder(root / SWEEPS / check_name(name))
    if not is_folder(folder.path):
        hint = did_you_mean(
            name, (found.name for found in list_sweeps(root)), "cnn-tui sweep list shows them."
        )
        raise RunError(f"There is no sweep {show(name)} in {root}.", hint)
    folder.info()
    return folder


def _touched(folder: SweepFolder) -> float:
    for path in (folder.status_file, folder.info_file):
        if is_regular(path):
            return path.lstat().st_mtime
    return 0.0
