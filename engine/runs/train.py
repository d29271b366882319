"""Training with a recorder: a new run, or an earlier one that resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.fingerprint import data_digest, require_same_data
from cnn_tui.engine.runs.folder import Reproduction, RunFolder, RunInfo, create_run
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.stamp import package_version, utc_now
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.checkpointer import Checkpointer
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import RunEvent
from cnn_tui.engine.training.snapshot import Weights
from cnn_tui.engine.training.trainer import Trainer


def new_run(
    root: Path,
    network: Network,
    dataset: Dataset,
    *,
    control: Control,
    data_dir: Path | None = None,
    policy: Policy | None = None,
    again: Reproduction | None = None,
    weights: Weights | None = None,
    origin: str = "",
    name: str = "",
) -> Recorder:
    """Open the recorder of a new run in a new folder under ``root``, called ``name`` if given.

    ``weights`` are the initial weights, drawn from the recipe's seed if None, and ``origin`` the
    name of the run that they come from; ``again`` describes the run that this one reproduces;
    ``data_dir`` is recorded for a later resume.

    Raises:
        RunError: if nothing can be written there, or the reproduced run had other data.
    """
    policy, data = policy or Policy(), data_digest(dataset)
    if again is not None and again.data_sha256:
        require_same_data(f"The run {again.of}", again.data_sha256, data)
    info = RunInfo(
        created=utc_now(),
        version=package_version(),
        arch=network.name,
        data=network.data,
        data_dir=str(data_dir.resolve()) if data_dir else "",
        data_sha256=data,
        again=again,
        origin=origin,
    )
    folder = create_run(root, network, info, policy.storage, name)
    return Recorder(folder, network, data, control=control, policy=policy, weights=weights)


def train_recorded(
    network: Network,
    dataset: Dataset,
    recorder: Recorder | None,
    control: Control,
    emit: Callable[[RunEvent], None],
    *,
    threads: int | None = None,
    weights: Weights | None = None,
) -> None:
    """Train to the end; every event is recorded before it is emitted.

    Args:
        network: layers, data and recipe.
        dataset: the images to train on.
        recorder: keeps the run; the caller closes it. None keeps nothing.
        control: what steers the trainer.
        emit: called with every event, on this thread.
        threads: number of threads; all cores if None.
        weights: initial weights of a run without a recorder; a recorder has its own.

    Raises:
        CnnTuiError: if the network does not fit the data or the memory.
    """

    def record(event: RunEvent) -> None:
        if recorder is not None:
            recorder.record(event)
        emit(event)

    checkpointer = recorder or Checkpointer(weights)
    Trainer(
        network, dataset, control=control, emit=record, threads=threads, checkpointer=checkpointer
    ).run()


def with_epochs(network: Network, epochs: int | None) -> Network:
    """The network with ``epochs`` in its recipe; unchanged if None."""
    return network if epochs is None else network.with_training(epochs=epochs)


def require_further(folder: RunFolder, epochs: int, from_step: int | None) -> None:
    """Refuse a last epoch that lies before the state from which the run would resume.

    Raises:
        RunError: if more than ``epochs`` epochs are done or begun in that state.
    """
    states = (state for state in kept_states(folder) if from_step in (None, state.step))
    begun = max((state.epochs_done + (state.batch > 0) for state in states), default=0)
    if begun > epochs:
        raise RunError(
            f"The run {folder.name} is in epoch {begun} already: it cannot end at {epochs}.",
            "Give more --epochs, or choose an earlier state with --from STEP.",
        )


def is_at_its_end(folder: RunFolder, epochs: int) -> bool:
    """Whether the latest state of a run has all ``epochs``, so that nothing is left to train."""
    return max((state.epochs_done for state in kept_states(folder)), default=0) >= epochs


def data_folder(folder: RunFolder, given: Path | None) -> Path | None:
    """The folder of the run's data: ``given``, or else the recorded one; None if built in."""
    recorded = folder.info().data_dir
    return given or (Path(recorded) if recorded else None)


def resume_run(
    folder: RunFolder,
    network: Network,
    dataset: Dataset,
    *,
    control: Control,
    policy: Policy | None = None,
    from_step: int | None = None,
) -> Recorder:
    """Open the recorder of an earlier run; ``network`` is its own, perhaps with more epochs.

    The run resumes from its furthest state or the one ``from_step``; later records are dropped.

    Raises:
        RunError: if the run is being trained, has other data, or cannot be written.
    """
    recorded = folder.info().data_sha256
    if not recorded:
        raise RunError(
            f"The run {folder.name} holds weights of another program, and no training to resume.",
            f"Train them on with cnn-tui train --from {folder.name}.",
        )
    data = data_digest(dataset)
    require_same_data(f"The run {folder.name}", recorded, data)
    recorder = Recorder(
        folder,
        network,
        data,
        control=control,
        policy=policy,
        from_step=from_step,
    )
    try:
        if network != folder.network():
            save_network(network, folder.network_file)
    except BaseException:
        recorder.close()
        raise
    return recorder
