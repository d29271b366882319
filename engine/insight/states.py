"""The states of a run that can be looked into, by the words a person types."""

from __future__ import annotations

from pathlib import Path

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.runs.checkpoints import KeptState, decode_meta, kept_states, none_is_sound
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.tensors import DamagedError, TensorFile
from cnn_tui.engine.specs.wording import listed, plain
from cnn_tui.engine.training.progress import Progress

UNTRAINED = "untrained"
BEST, LAST = "best", "last"


def written_states(folder: RunFolder) -> list[Path]:
    """The files of the states of a run, readable or not."""
    return [path for path in (folder.best_file, *folder.states) if is_regular(path)]


def states_over_time(folder: RunFolder) -> list[KeptState]:
    """The states of a run in the order of training, one for each step."""
    by_step = {state.step: state for state in kept_states(folder)}
    return [by_step[step] for step in sorted(by_step)]


def find_state(folder: RunFolder, wanted: str) -> Path:
    """The file of a state: ``best``, ``last``, a step, or a path.

    Without a best state, ``best`` is the last one, and the other way round.

    Raises:
        InsightError: if the run has no such state.
        RunError: if what it has cannot be read.
    """
    states = kept_states(folder)
    if not states and wanted in (BEST, LAST):
        for path in written_states(folder):
            try:
                decode_meta(TensorFile(path))
            except DamagedError as fault:
                raise none_is_sound(folder, fault) from None
        folder.network()  # of a run of another program this says that there are no weights at all
        raise InsightError(
            f"The run {folder.name} has no checkpoint yet.", "The first epoch writes one."
        )
    if wanted in (BEST, LAST):
        chosen = [state for state in states if state.best == (wanted == BEST)] or states
        return Path(chosen[0].path)
    step = wanted.replace(",", "").removeprefix("step").strip(" -")
    for state in states:
        if step.isdecimal() and state.step == int(step):
            return Path(state.path)
    if not step.isdecimal() and is_regular(Path(wanted)):
        return Path(wanted)
    steps = [f"{state.step:,}" for state in states_over_time(folder)]
    known = f"It has {BEST}, {LAST}, {UNTRAINED}" + (
        f" and the states of steps {listed(steps, 'and')}." if steps else "."
    )
    raise InsightError(f"The run {folder.name} has no state {plain(wanted)}.", known)


def words_of(path: Path, folder: RunFolder) -> str:
    """A state in words: ``best, epoch 3, step 2,600``; the name of a file without such metadata."""
    progress = decode_meta(TensorFile(path)).progress
    words = in_words(progress)
    return f"{BEST}, {words}" if path == folder.best_file else words


def in_words(progress: Progress) -> str:
    """How far training was: ``epoch 3, step 2,600``."""
    epoch = progress.epochs_done + (progress.batch > 0)
    return f"epoch {epoch}, step {progress.step:,}"
