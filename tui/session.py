"""The only place that starts, pauses and stops a trainer.

A run lives on one daemon thread: whatever it does, the app stays usable and can leave. Loading
the data and importing NumPy happen there as well, so that the first screen does not wait for them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import BatchCompleted, RunEnded, RunEvent
from cnn_tui.tui.mailbox import Mailbox

Emit = Callable[[RunEvent], None]
Runner = Callable[[Network, Control, Emit], None]


def train(network: Network, control: Control, emit: Emit, *, data_dir: Path | None = None) -> None:
    """Load the network's data and train on it, blocking; raises ``CnnTuiError``."""
    from cnn_tui.engine.data.catalog import load_dataset
    from cnn_tui.engine.training.trainer import Trainer

    dataset = load_dataset(network.data, data_dir, shape=network.input)
    Trainer(network, dataset, control=control, emit=emit).run()


class Session:
    """At most one run at a time, and the mailbox that its events wait in."""

    def __init__(self, runner: Runner = train) -> None:
        self._runner = runner
        self._control = Control()
        self._mailbox = Mailbox()
        self._thread: Thread | None = None

    @property
    def active(self) -> bool:
        """Whether a run has been started and its thread has not ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def paused(self) -> bool:
        """Whether a pause was asked for; the trainer heeds it after the current batch."""
        return self._control.paused

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._control.stopping

    def start(self, network: Network) -> None:
        """Begin a run; the one before must have ended."""
        if self.active:
            raise RuntimeError("a run is active")
        self._control, self._mailbox = Control(), Mailbox()
        job = _Job(self._runner, network, self._control, self._mailbox)
        self._thread = Thread(target=job.run, name="trainer", daemon=True)
        self._thread.start()

    def toggle_pause(self) -> None:
        """Pause a run that goes, resume one that waits."""
        if self._control.paused:
            self._control.resume()
        else:
            self._control.pause()

    def stop(self) -> None:
        """Ask the run to end after the current batch; safe in a signal handler."""
        self._control.stop()

    def join(self, seconds: float) -> bool:
        """Wait for the run to end; False if it has not by then."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.active

    def drain(self) -> tuple[RunEvent, ...]:
        """The events since the last call."""
        return self._mailbox.drain()


class _Job:
    """One run on its thread; makes sure that the stream ends with exactly one ``RunEnded``."""

    def __init__(
        self, runner: Runner, network: Network, control: Control, mailbox: Mailbox
    ) -> None:
        self._runner, self._network = runner, network
        self._control, self._mailbox = control, mailbox
        self._last: BatchCompleted | None = None
        self._ended = False

    def run(self) -> None:
        try:
            self._runner(self._network, self._control, self._emit)
        except CnnTuiError as error:
            self._fail(str(error))
        except BaseException as error:  # the thread's last resort: the app has to hear of it
            self._fail(_crash_words(error))
        else:
            self._fail("The trainer ended without a result; this is a fault in the program.")

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
        self._emit(
            RunEnded(reason="failed", step=step, epoch=epoch, seconds=seconds, message=message)
        )


def _crash_words(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "Out of memory. Make the batch or the network smaller."
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rsplit('/', 1)[-1]}, line {place.lineno}"
    return f"The trainer crashed: {type(error).__name__}: {error} ({where})."
