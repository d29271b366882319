"""The only place that starts, pauses and stops a trainer.

A run lives on a daemon thread, so that the app stays usable and can quit. Loading the data and
importing NumPy happen there as well, so that the first screen does not wait for them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from cnn_tui.engine.cores import give_way
from cnn_tui.engine.errors import (
    CnnTuiError,
    DamagedPicturesError,
    DataError,
    MemoryLimitError,
    MismatchError,
    RunError,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control, Portion
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EndReason,
    Remedy,
    RunEnded,
    RunEvent,
)
from cnn_tui.engine.training.glimpse import Glimpse
from cnn_tui.engine.training.settings import SettingName, SettingValue
from cnn_tui.tui.mailbox import Mailbox

if TYPE_CHECKING:
    from cnn_tui.engine.data.dataset import Dataset
    from cnn_tui.engine.data.sources import Progress
    from cnn_tui.engine.runs.recorder import Recorder
    from cnn_tui.engine.training.snapshot import Weights


Emit = Callable[[RunEvent], None]

Runner = Callable[[Network, Control, Emit], None]

Refusal = MemoryLimitError | MismatchError | DamagedPicturesError
"""Why a run was not tried, for reasons that an answer may remove."""


def train(
    network: Network,
    control: Control,
    emit: Emit,
    *,
    data_dir: Path | None = None,
    runs_dir: Path | None = None,
    start: Callable[[], Weights] | None = None,
    skip_damaged: bool = False,
    anyway: bool = False,
) -> None:
    """Load the network's data and train on it, blocking; raises ``CnnTuiError``.

    Args:
        network: Layers, data and recipe.
        control: Pauses, stops and changes the run.
        emit: Receives every event.
        data_dir: The folder of data that is not built in.
        runs_dir: The folder of runs; None keeps nothing on disk.
        start: Returns the initial weights; None draws random ones.
        skip_damaged: Leave damaged pictures out.
        anyway: Skip the check of free memory.
    """
    from cnn_tui.engine.memory_estimate import check_memory
    from cnn_tui.engine.runs.train import new_run, train_recorded

    if not anyway:
        check_memory(network)
    network, dataset, data_dir = load_compatible(
        network, data_dir, telling(control), skip_damaged=skip_damaged
    )
    for note in dataset.notes:
        emit(Alert(code="data", message=note, step=0))
    weights = start() if start else None
    keep = partial(new_run, network=network, dataset=dataset, control=control, weights=weights)
    with _kept(runs_dir, partial(keep, data_dir=data_dir), emit) as recorder:
        train_recorded(network, dataset, recorder, control, emit, weights=weights)
    require_kept(recorder)


def load_compatible(
    network: Network,
    data_dir: Path | None,
    progress: Progress | None = None,
    *,
    skip_damaged: bool = False,
) -> tuple[Network, Dataset, Path | None]:
    """Return the network with the full name of its data, the data, and its folder.

    Raises:
        CnnTuiError: The data do not exist, do not fit the network, or the run was stopped.
    """
    from cnn_tui.engine.data.catalog import load_network_data
    from cnn_tui.engine.training.opening import check_compatible

    network, dataset, data_dir = load_network_data(
        network, data_dir, skip_damaged=skip_damaged, progress=progress
    )
    check_compatible(network, dataset)
    return network, dataset, data_dir


def telling(control: Control) -> Progress:
    """Return a receiver of progress that writes it to ``control`` and obeys a stop."""

    def say(words: str) -> None:
        control.preparation = words

    return progress_of(say, lambda: control.stopping)


def progress_of(say: Callable[[str], None], stopping: Callable[[], bool]) -> Progress:
    """Return a receiver of progress that says it in words, and ends the work once it is stopped."""

    def tell(what: str, done: int, total: int) -> None:
        say(f"{what}: {done:,} of {total:,}" if done < total else "")
        if stopping():
            raise DataError(
                "Stopped before the first step.", "Pictures that were decoded are kept."
            )

    return tell


def _kept(
    runs_dir: Path | None, keep: Callable[[Path], Recorder], emit: Emit
) -> AbstractContextManager[Recorder | None]:
    """Open the recorder of the run; without a writable disk training continues."""
    if runs_dir is None:
        return nullcontext()
    try:
        return keep(runs_dir)
    except RunError as error:
        emit(Alert(code="not-kept", message=f"This run is not written to disk. {error}", step=0))
        return nullcontext()


class Session:
    """Trains at most one run at a time, and holds the mailbox of its events."""

    def __init__(self, runner: Runner = train) -> None:
        self._runner = runner
        self._control = Control()
        self._mailbox = Mailbox()
        self._thread: Thread | None = None
        self._job: _Job | None = None
        self.network: Network | None = None
        """The network of the newest run at its start."""

    def take_refusal(self) -> Refusal | None:
        """Return once why the last run was not tried, if it can be with an answer; else None."""
        if self.active or self._job is None:
            return None
        refusal, self._job.refusal = self._job.refusal, None
        return refusal

    @property
    def unkept(self) -> str:
        """Why the end of the last run could not be written; empty if it was."""
        return self._job.unkept if self._job else ""

    @property
    def active(self) -> bool:
        """Whether a run has been started and its thread has not ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def preparation(self) -> str:
        """The work before the first step, such as decoding pictures; else empty."""
        return self._control.preparation if self.active else ""

    @property
    def paused(self) -> bool:
        """Whether a pause was requested; the trainer pauses after the current batch."""
        return self._control.paused

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._control.stopping

    def start(self, network: Network, runner: Runner | None = None) -> None:
        """Start a run, with ``runner`` in place of the default one if given.

        The previous run must have ended.
        """
        if self.active:
            raise RuntimeError("a run is active")
        self.network = network
        self._control, self._mailbox = Control(), Mailbox()
        self._job = _Job(runner or self._runner, network, self._control, self._mailbox)
        self._thread = Thread(target=self._job.run, name="trainer", daemon=True)
        self._thread.start()

    def toggle_pause(self) -> None:
        if self._control.paused:
            self._control.resume()
        else:
            self._control.pause()

    def run_one(self, portion: Portion) -> None:
        """Continue for one batch or epoch, then pause."""
        self._control.run_one(portion)

    def glimpse(self) -> Glimpse | None:
        """The weights that the last call asked for, once they are copied; asks for the next."""
        return self._control.glimpse() if self.active else None

    def change(self, name: SettingName, value: SettingValue) -> None:
        """Change a setting of the recipe; raises ``SpecError`` for an invalid value."""
        self._control.set(name, value)

    def steer(self, remedy: Remedy) -> None:
        """Apply a remedy that needs no restart."""
        from cnn_tui.engine.training.remedies import steer

        steer(self._control, remedy)

    def stop(self, *, keep: bool = True) -> None:
        """Stop the run after the current batch; safe in a signal handler."""
        self._control.stop(keep=keep)

    def join(self, seconds: float) -> bool:
        """Wait for the run to end; returns False on a timeout."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.active

    def drain(self) -> tuple[RunEvent, ...]:
        """Return the events since the last call."""
        return self._mailbox.drain()


class _Job:
    """A run on its thread; its events end with exactly one ``RunEnded``."""

    def __init__(
        self, runner: Runner, network: Network, control: Control, mailbox: Mailbox
    ) -> None:
        self._runner, self._network = runner, network
        self._control, self._mailbox = control, mailbox
        self._last: BatchCompleted | None = None
        self._ended = False
        self.refusal: Refusal | None = None
        self.unkept = ""

    def run(self) -> None:
        give_way()
        try:
            self._runner(self._network, self._control, self._emit)
        except CnnTuiError as error:
            self.refusal = error if isinstance(error, Refusal) else None
            self.unkept = str(error) if self._ended else ""
            self._fail(str(error))
        except BaseException as error:  # the thread's last resort: the app has to hear of it
            self._fail(_crash_words(error))
        else:
            self._fail("The trainer ended without a result; this is an internal error.")

    def _emit(self, event: RunEvent) -> None:
        if isinstance(event, BatchCompleted):
            self._last = event
        self._ended |= isinstance(event, RunEnded)
        self._mailbox.put(event)

    def _fail(self, message: str) -> None:
        if self._ended:
            return
        step, epoch, seconds = 0, 0, 0.0
        if self._last:
            step, epoch, seconds = self._last.step, self._last.epoch, self._last.seconds
        reason: EndReason = "stopped" if self._control.stopping and not step else "failed"
        self._emit(
            RunEnded(reason=reason, step=step, epoch=epoch, seconds=seconds, message=message)
        )


def _crash_words(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "Out of memory. Make the batch or the network smaller."
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rsplit('/', 1)[-1]}, line {place.lineno}"
    return f"The trainer crashed: {type(error).__name__}: {error} ({where})."


def require_kept(recorder: Recorder | None) -> None:
    """Raise ``RunError`` if the end of a run, with its last checkpoint, was not written.

    To be called once the recorder is closed.
    """
    if recorder is not None and recorder.unwritten:
        raise RunError(
            f"The end of the run {recorder.run} could not be written: {recorder.unwritten}. "
            "It may show as crashed.",
            f"Fix the problem, then run cnn-tui resume {recorder.run}.",
        )
