"""Going on with a run that ended, was stopped or crashed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.fingerprint import data_digest
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.writer import Sink
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.control import Control


def with_epochs(network: Network, epochs: int | None) -> Network:
    """The network with as many epochs in its recipe; those it has where None."""
    if epochs is None:
        return network
    training = msgspec.structs.replace(network.training, epochs=epochs)
    return msgspec.structs.replace(network, training=training)


def require_further(folder: RunFolder, epochs: int, from_step: int | None) -> None:
    """Refuse an end that lies before the state that the run goes on from.

    Raises:
        RunError: if more than ``epochs`` epochs are done, or begun, in that state.
    """
    states = (one for one in kept_states(folder) if from_step in (None, one.step))
    begun = max((one.epochs_done + (one.batch > 0) for one in states), default=0)
    if begun > epochs:
        raise RunError(
            f"The run {folder.name} is in epoch {begun} already, beyond {epochs}.",
            "Give more --epochs, or an earlier state with --from STEP.",
        )


def data_folder(folder: RunFolder, given: Path | None) -> Path | None:
    """Where the run's data is: where it was, unless another folder is given."""
    kept = folder.info().data_dir
    return given or (Path(kept) if kept else None)


def resume_run(
    folder: RunFolder,
    network: Network,
    dataset: Dataset,
    *,
    control: Control,
    policy: Policy | None = None,
    storage: Storage | None = None,
    sinks: Sequence[Sink] = (),
    from_step: int | None = None,
) -> Recorder:
    """The recorder of a run that goes on; ``network`` is its own, perhaps with more epochs.

    It goes on from its furthest state, or from that ``from_step``; what came after is dropped.

    Raises:
        RunError: if it is being trained, the data is not the same, or it cannot be written.
    """
    data = data_digest(dataset)
    if data != folder.info().data_sha256:
        raise RunError(
            f"The run {folder.name} was trained on other images or labels than these.",
            "Name the folder of the same data with --data-dir.",
        )
    recorder = Recorder(
        folder,
        network,
        data,
        control=control,
        policy=policy,
        storage=storage,
        sinks=sinks,
        from_step=from_step,
    )
    try:
        if network != folder.network():
            save_network(network, folder.network_file)
    except BaseException:
        recorder.close()
        raise
    return recorder
