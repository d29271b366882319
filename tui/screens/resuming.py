"""The questions before a run is resumed: from which checkpoint, to which epoch."""

from __future__ import annotations

from textual.app import App

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.checkpoints import KeptState, kept_states
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import read_entry
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import with_setting
from cnn_tui.tui.history.run_rows import state_words
from cnn_tui.tui.messages import ResumeRun
from cnn_tui.tui.rows import Item
from cnn_tui.tui.screens.dialog import Picker, Prompt
from cnn_tui.tui.screens.files import complain
from cnn_tui.tui.words import count, megabytes


async def ask_how_to_resume(
    app: App[None], folder: RunFolder, *, choose: bool = False
) -> ResumeRun | None:
    """Ask for the checkpoint if ``choose``, and for the epochs of a complete run.

    Returns None if cancelled or if the run cannot be read, which is reported.
    """
    try:
        network = folder.network()
        if not choose:
            wanted = await _ask_how_far(app, folder, network)
            return ResumeRun(folder, wanted, None) if wanted else None
        step = await _ask_for_state(app, folder)
    except CnnTuiError as error:
        complain(app, error)
        return None
    return None if step is None else ResumeRun(folder, network, step)


async def _ask_how_far(app: App[None], folder: RunFolder, network: Network) -> Network | None:
    """Return the network, with more epochs if the run is complete; None for escape."""
    entry, epochs = read_entry(folder), network.training.epochs
    if entry is None or entry.state != "completed" or entry.summary.epoch < epochs:
        return network
    done = entry.summary.epoch
    about = f"It is complete after {count(done, 'epoch')}. Train it on up to epoch:"

    def extended(text: str) -> Network:
        longer = with_setting(network, "training.epochs", text)
        if longer.training.epochs <= done:
            raise ValueError(f"is no later epoch than {done:,}; one is {2 * done:,}.")
        return longer

    prompt = Prompt(f"Resume {folder.name}", str(2 * done), extended, about)
    answer = await app.push_screen_wait(prompt)
    return extended(answer) if answer else None


async def _ask_for_state(app: App[None], folder: RunFolder) -> int | None:
    states = kept_states(folder)
    if not states:
        app.notify(f"{folder.name} has no checkpoint yet.")
        return None
    # The best one may be of the same step as the last checkpoint: its words say both.
    steps = {state.step: state for state in states}
    items = [Item(f"step {step}", _words(state)) for step, state in steps.items()]
    title = f"Resume {folder.name}; later steps are discarded"
    answer = await app.push_screen_wait(Picker(title, items))
    return int(answer.removeprefix("step ")) if answer else None


def _words(state: KeptState) -> str:
    best = ", the best" if state.best else ""
    where = f"after {state_words(state)}" if state.step else "untrained"
    return f"{where}{best}, {megabytes(state.bytes)} MB"
