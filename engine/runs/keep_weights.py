"""Weights that were not trained as this network, such as transformed ones, kept as a run."""

from __future__ import annotations

import shutil
from contextlib import closing

import msgspec

from cnn_tui.engine.engines import engine_to_look
from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.folder import RunFolder, create_run
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.manage import annotate
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.stamp import package_version, utc_now
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Alert, RunEnded, RunStarted
from cnn_tui.engine.training.snapshot import Weights


def keep_weights(
    network: Network,
    weights: Weights,
    origin: RunFolder,
    note: str = "",
    *,
    storage: Storage | None = None,
) -> RunFolder:
    """Create a run beside ``origin`` with these weights, before its first step.

    It has the data and the normalisation of ``origin``: predict and export accept it as it is, and
    resume trains it.

    Args:
        network: the network of the weights; its recipe becomes that of the new run.
        weights: parameters and buffers by the model's names, in PyTorch's shapes.
        origin: the run that the weights come from.
        note: the note of the new run.
        storage: where to write; None for the disk.

    Raises:
        RunError: if the new run cannot be written, or the old one cannot be read.
        ShapeError: if the weights do not fit ``network``.
    """
    storage = storage or Storage()
    now = {"created": utc_now(), "version": package_version(), "arch": network.name}
    info = msgspec.structs.replace(origin.info(), **now)
    network = msgspec.structs.replace(network, data=info.data)
    started = _started(origin)
    folder = create_run(origin.home, network, info, storage)
    fill_run(folder, network, weights, _begun(started, network), note=note, storage=storage)
    return folder


def fill_run(
    folder: RunFolder,
    network: Network,
    weights: Weights,
    started: RunStarted,
    *,
    note: str,
    storage: Storage,
) -> None:
    """Write the first state of a new run, its beginning and its end; or remove its folder.

    Raises:
        RunError: if the run cannot be written.
        ShapeError: if the weights do not fit ``network``.
    """
    data, control = folder.info().data_sha256, Control()
    try:
        policy = Policy(storage=storage)
        recorder = Recorder(folder, network, data, control=control, policy=policy, weights=weights)
        with recorder, closing(engine_to_look(network)) as model:
            places = {"run": folder.name, "path": str(folder.path), "params": model.size}
            recorder.record(msgspec.structs.replace(started, **places))
            recorder.restore(model, model.optimizer(network.training))
            recorder.flush()
            for report in recorder.pending_events():
                if isinstance(report, Alert):
                    raise RunError(report.message)
            recorder.record(RunEnded(reason="stopped", step=0, epoch=0, seconds=0.0))
        if note:
            annotate(folder, note=note)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def _begun(before: RunStarted, network: Network) -> RunStarted:
    recipe = network.training
    return msgspec.structs.replace(
        before,
        arch=network.name,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        batches=-(-before.train_images // recipe.batch_size),
        optimizer=recipe.optimizer,
        lr=recipe.lr,
        seed=recipe.seed,
        from_step=0,
    )


def _started(origin: RunFolder) -> RunStarted:
    for event in read_events(origin.events_file):
        if isinstance(event, RunStarted):
            return event
    raise RunError(f"The run {origin.name} has not begun: {origin.events_file} has no events.")
