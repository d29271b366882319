"""Follows the event files of a TensorBoard run, which may be split into train and validation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.export.event_file import PREFIX
from cnn_tui.engine.recording.log_records import LoggedScalars, RecordReader
from cnn_tui.engine.recording.log_rows import LogRow, RowEvents
from cnn_tui.engine.specs.wording import listed
from cnn_tui.engine.training.events import Alert, RunEvent

CHUNK = 1 << 20
"""Bytes of each file that a poll reads at most."""
_SPLITS = {"train": "", "training": ""} | dict.fromkeys(
    ("val", "valid", "validation", "test", "eval", "evaluation"), "val_"
)
"""Names of folders that are parts of one run, and what they add to a tag."""
_DEEPEST, _MOST_FILES, _LISTED = 4, 1_000, 5
_EPOCH = ("epoch", "train/epoch")


class TensorBoardLog:
    """Follows one run; new files of it are found while it grows.

    Raises:
        RunError: if the folder has no event files, or those of several runs.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.name = folder, folder.resolve().name
        self._readers: dict[Path, RecordReader] = {}
        self._events = RowEvents(self.name, "another program (TensorBoard log)")
        self._began: float | None = None
        self._epoch: float | None = None
        self._told = set[str]()
        self._folders = _one_run(folder)

    def poll(self) -> Iterator[RunEvent]:
        """The new events, in the order of their steps.

        Raises:
            RunError: if the folder is gone, or a file cannot be read.
        """
        try:
            rows = self._new_rows()
        except FileNotFoundError:
            raise RunError(f"{self.path} is gone.") from None
        except OSError as error:
            raise RunError(f"{self.path} cannot be read: {reason_of(error)}.") from None
        if rows and self._began is None:
            self._began = min(wall for wall, _, _ in rows)
            yield self._events.start(by_epochs=False)
        merged: dict[int, LogRow] = {}
        for wall, step, values in sorted(rows, key=lambda row: row[1]):
            known = merged.get(step, LogRow({}))
            seconds = max(known.seconds, wall - (self._began or wall))
            merged[step] = LogRow({**known.figures, **values}, step, None, seconds)
        for row in merged.values():
            yield from self._events.of(self._placed(row))
        yield from self._damage(max(merged, default=0))

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return any(
            not reader.damage and reader.path.stat().st_size - reader.position > CHUNK
            for reader in self._readers.values()
            if reader.path.exists()
        )

    def _placed(self, row: LogRow) -> LogRow:
        """A row with the epoch that was logged last, which is no figure."""
        figures = dict(row.figures)
        for name in _EPOCH:
            self._epoch = figures.pop(name, self._epoch)
        return row._replace(figures=figures, epoch=self._epoch)

    def _new_rows(self) -> list[tuple[float, int, dict[str, float]]]:
        rows = []
        for folder, split in self._folders.items():
            for path in _files(folder)[:_MOST_FILES]:
                reader = self._readers.setdefault(path, RecordReader(path))
                rows += [_named(found, split) for found in reader.read(CHUNK)]
        return rows

    def _damage(self, step: int) -> Iterator[Alert]:
        for reader in self._readers.values():
            if reader.damage and reader.damage not in self._told:
                self._told.add(reader.damage)
                message = f"{reader.damage}. What stands before it is shown."
                yield Alert(code="log-damaged", message=message, step=step)


def _named(found: LoggedScalars, split: str) -> tuple[float, int, dict[str, float]]:
    return found.wall_time, found.step, {f"{split}{tag}": v for tag, v in found.values.items()}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.is_file())


def _one_run(root: Path) -> dict[Path, str]:
    """The folders of the run in ``root``, and what each adds to its tags."""
    if not root.is_dir():
        raise RunError(f"There is no folder {root}.", "Name the one that tensorboard --logdir has.")
    folders = list(_with_events(root))
    parts = [folder for folder in folders if folder.name.lower() in _SPLITS]
    homes = {folder.parent if folder in parts else folder for folder in folders}
    if root in folders and len(homes) > 1:
        homes = {root}
    if not homes:
        raise RunError(
            f"The folder {root} has no event files.",
            f"Their names begin with {PREFIX.rstrip('.')}.",
        )
    if len(homes) > 1:
        names = [str(home.relative_to(root)) for home in sorted(homes)]
        shown = listed(names[:_LISTED], "and") + (" and others" if len(names) > _LISTED else "")
        raise RunError(f"{root} holds {len(homes)} runs: {shown}.", "Name the folder of one.")
    (home,) = homes
    own = {home: ""} if home in folders else {}
    return own | {part: _SPLITS[part.name.lower()] for part in parts if part.parent == home}


def _with_events(root: Path) -> Iterator[Path]:
    for folder, inner, files in os.walk(root):
        if any(name.startswith(PREFIX) for name in files):
            yield Path(folder)
        if len(Path(folder).relative_to(root).parts) >= _DEEPEST:
            inner.clear()
        inner.sort()
