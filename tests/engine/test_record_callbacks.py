"""The callbacks of Keras, Lightning and transformers, called as those programs call them.

Only what each callback imports is stood in for; ``tests/tui/test_pty_record.py`` trains with the
programs themselves where they are installed.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lines import read_events
from cnn_tui.engine.runs.requests import Request, send
from cnn_tui.engine.training.events import (
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunStarted,
    SettingChanged,
    ValidationCompleted,
)


class Base:
    """A base class of the other program."""


def stand_in(patch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    module = ModuleType(name)
    vars(module).update(content)
    patch.setitem(sys.modules, name, module)


@pytest.fixture
def callbacks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a callback, which is forgotten after the test."""
    other, another = type("Other", (), {}), type("Another", (), {})
    stand_in(monkeypatch, "keras", callbacks=SimpleNamespace(Callback=Base))
    names = ("TrainerControl", "TrainerState", "TrainingArguments")
    stand_in(monkeypatch, "transformers", TrainerCallback=Base, **dict.fromkeys(names, other))
    stand_in(monkeypatch, "lightning")
    pytorch = {"Callback": Base, "LightningModule": other, "Trainer": other}
    stand_in(monkeypatch, "lightning.pytorch", **pytorch)
    stand_in(monkeypatch, "lightning.pytorch.loggers")
    stand_in(monkeypatch, "lightning.pytorch.loggers.logger", Logger=another)
    stand_in(monkeypatch, "lightning.pytorch.utilities", rank_zero_only=lambda function: function)

    def load(name: str) -> Any:
        monkeypatch.delitem(sys.modules, f"cnn_tui.engine.recording.{name}", raising=False)
        return importlib.import_module(f"cnn_tui.engine.recording.{name}")

    yield load
    for name in ("keras", "lightning", "transformers"):
        sys.modules.pop(f"cnn_tui.engine.recording.{name}", None)


def told(root: Path, kind: type, name: str = "a-1") -> list[Any]:
    return [e for e in read_events(RunFolder(root / name).events_file) if isinstance(e, kind)]


def steps(root: Path, name: str = "a-1") -> list[BatchCompleted]:
    return list(read_events(RunFolder(root / name).metrics_file))  # type: ignore[misc]


def test_keras(tmp_path: Path, callbacks: Any) -> None:
    made = callbacks("keras").RunCallback("a", config={"width": 8}, runs_dir=tmp_path)
    made.on_train_batch_end(0, {"loss": 9.0})
    made.on_epoch_end(0)
    optimizer = SimpleNamespace(learning_rate=0.1)
    made.model = SimpleNamespace(
        name="mlp", built=True, count_params=lambda: 36, optimizer=optimizer, stop_training=False
    )
    made.params = {"epochs": 2, "steps": 3}
    made.on_train_begin()
    for loss in (3.0, 2.0):
        made.on_train_batch_end(0, {"loss": loss, "accuracy": 0.5})
    folder = RunFolder(tmp_path / "a-1")
    send(folder, Request("lr", 0.01))
    send(folder, Request("stop"))
    made.on_train_batch_end(2, {"loss": 1.0})
    assert optimizer.learning_rate == 0.01 and made.model.stop_training
    optimizer.learning_rate = object()
    made.on_train_batch_end(3)
    made.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.5, "val_accuracy": 0.75})
    made.on_train_end()
    (started,) = told(tmp_path, RunStarted)
    assert (started.arch, started.params, started.epochs, started.batches) == ("mlp", 36, 2, 3)
    assert [batch.loss for batch in steps(tmp_path)][:3] == [3.0, 2.0, 1.0]
    (epoch,) = told(tmp_path, EpochCompleted)
    assert (epoch.val_loss, epoch.val_accuracy) == (1.5, 0.75)
    assert told(tmp_path, RunEnded)[0].reason == "stopped"


def test_keras_before_it_is_built(tmp_path: Path, callbacks: Any) -> None:
    made = callbacks("keras").RunCallback("a", runs_dir=tmp_path)
    made.model = SimpleNamespace(name="mlp", built=False, optimizer=None, stop_training=False)
    made.params = None
    made.on_train_begin()
    made.on_train_batch_end(0, {"loss": 3.0})
    made.on_train_end()
    assert told(tmp_path, RunStarted)[0].params == 0 and steps(tmp_path)[0].lr != 0.1


def test_transformers(tmp_path: Path, callbacks: Any) -> None:
    made = callbacks("transformers").RunTrainerCallback("a", runs_dir=tmp_path, watch=False)
    args = SimpleNamespace(
        train_batch_size=8,
        gradient_accumulation_steps=2,
        learning_rate=0.1,
        optim="adamw",
        world_size=1,
        to_sanitized_dict=lambda: {"weight_decay": 0.5},
    )
    state = SimpleNamespace(
        is_world_process_zero=True, num_train_epochs=2, max_steps=8, global_step=1
    )
    control = SimpleNamespace(should_training_stop=False)
    group, schedule = {"lr": 0.1}, SimpleNamespace(base_lrs=[0.1])
    optimizer = SimpleNamespace(param_groups=[group])
    nobody = SimpleNamespace(**vars(state) | {"is_world_process_zero": False})
    made.on_train_begin(args, nobody, control)
    made.on_evaluate(args, state, control, {"eval_loss": 1.0})
    made.on_train_end(args, state, control)
    assert not list(tmp_path.iterdir())

    made.on_train_begin(args, state, control, model=Base())
    made.on_log(args, state, control, {"loss": 3.0, "learning_rate": 0.1, "epoch": 0.2})
    made.on_evaluate(args, state, control, {"eval_loss": 2.5, "eval_runtime": 1.0, "epoch": 0.5})
    send(RunFolder(tmp_path / "a-1"), Request("lr", 0.01))
    made.on_step_end(args, state, control, optimizer=optimizer, lr_scheduler=schedule)
    assert group == {"lr": 0.01} and schedule.base_lrs == [0.01]
    made.on_step_end(args, state, control)
    made.on_epoch_end(args, state, control)
    made.on_evaluate(args, state, control, {"eval_loss": 2.0, "eval_accuracy": 0.5})
    state.global_step = 2
    made.on_log(args, state, control, {"loss": 1.0})
    made.on_log(args, state, control, {"train_runtime": 1.0, "train_loss": 2.0})
    made.on_epoch_end(args, state, control)
    send(RunFolder(tmp_path / "a-1"), Request("stop"))
    assert made.on_step_end(args, state, control).should_training_stop
    args.world_size = 2
    assert made.on_step_end(args, state, control) is control
    made.on_train_end(args, state, control)
    (started,) = told(tmp_path, RunStarted)
    assert (started.epochs, started.batches, started.batch_size) == (2, 4, 16)
    assert [(batch.step, batch.loss) for batch in steps(tmp_path)] == [(1, 3.0), (2, 1.0)]
    assert next(v.loss for v in told(tmp_path, ValidationCompleted)) == 2.5
    assert next(epoch.val_loss for epoch in told(tmp_path, EpochCompleted)) == 2.0
    assert len(told(tmp_path, EpochCompleted)) == 2


def lightning_trainer(**more: Any) -> SimpleNamespace:
    known = {"is_global_zero": True, "max_epochs": 2, "num_training_batches": 2, "world_size": 1}
    known |= {"current_epoch": 0, "global_step": 0, "should_stop": False, "optimizers": []}
    return SimpleNamespace(**known | more)


def test_lightning_as_logger_and_callback(tmp_path: Path, callbacks: Any) -> None:
    log = callbacks("lightning").RunLogger("a", runs_dir=tmp_path, watch=False)
    assert (log.name, log.version, log.experiment) == ("a", "", None)
    log.finalize("success")
    group = {"lr": 0.1}
    trainer = lightning_trainer(optimizers=[SimpleNamespace(param_groups=[group])])
    log.log_hyperparams({"width": 8})
    log.on_train_start(lightning_trainer(is_global_zero=False), Base())
    log.on_train_start(trainer, Base())
    for epoch in range(2):
        trainer.current_epoch = epoch
        log.on_train_epoch_start(trainer, Base())
        for batch in range(2):
            trainer.global_step += 1
            log.on_train_batch_start(trainer, Base(), None, batch)
            log.on_train_batch_end(trainer, Base(), {"loss": 3.0 - epoch}, None, batch)
            log.log_metrics({"f1_step": 0.5, "epoch": epoch}, step=trainer.global_step)
        log.log_metrics({"val_loss": 2.0, "train_loss_epoch": 2.5, "epoch": epoch}, step=2)
    assert log.name == "a-1"
    send(RunFolder(tmp_path / "a-1"), Request("lr", 0.01))
    send(RunFolder(tmp_path / "a-1"), Request("stop"))
    log.on_train_batch_start(trainer, Base(), None, 2)
    log.on_train_batch_end(trainer, Base(), 1.0, None, 2)
    assert trainer.should_stop and group == {"lr": 0.01}
    log.finalize("success")
    log.finalize("success")
    log.log_metrics({"loss": 1.0}, step=9)
    assert told(tmp_path, RunStarted)[0].epochs == 2
    assert [batch.loss for batch in steps(tmp_path)] == [3.0, 3.0, 2.0, 2.0, 1.0]
    assert [epoch.val_loss for epoch in told(tmp_path, EpochCompleted)] == [2.0, 2.0]
    assert told(tmp_path, SettingChanged) and told(tmp_path, RunEnded)[0].reason == "stopped"


@pytest.mark.parametrize(
    ("error", "reason"), [(KeyboardInterrupt(), "stopped"), (ValueError("odd"), "failed")]
)
def test_lightning_as_logger_alone(
    error: BaseException, reason: str, tmp_path: Path, callbacks: Any
) -> None:
    log = callbacks("lightning").RunLogger("a", runs_dir=tmp_path, watch=False)
    log.log_metrics({"train_loss_step": 3.0, "epoch": 0}, step=0)
    log.log_metrics({"train_loss_step": 2.0, "epoch": 0}, step=1)
    log.log_metrics({"val_acc": 0.5, "epoch": 0}, step=1)
    log.log_metrics({"train_loss_step": 1.0, "epoch": 1}, step=2)
    log.on_exception(lightning_trainer(), Base(), error)
    log.finalize("failed")
    assert [batch.loss for batch in steps(tmp_path)] == [3.0, 2.0, 1.0]
    ended = told(tmp_path, RunEnded)[0]
    assert (ended.reason, "odd" in ended.message) == (reason, reason == "failed")
