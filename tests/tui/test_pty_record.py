"""Trainings of other programs, watched and ended from a second terminal."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children import start as start_process
from terminal import Terminal

WATCH = """
import sys
from cnn_tui.tui.cli.main import main
sys.exit(main(["watch", {name!r}, "--runs-dir", {root!r}]))
"""
PLAIN = """
import time
from cnn_tui.engine import record
with record("plain", runs_dir={root!r}) as run:
    while not run.should_stop:
        run.batch(loss=1.0, f1=0.5)
        run.wait_while_paused()
        time.sleep(0.01)
"""
LIGHTNING = """
import torch, lightning.pytorch as pl
from cnn_tui.engine.recording.lightning import RunLogger
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(8, 4)
    def training_step(self, batch, at):
        loss = torch.nn.functional.cross_entropy(self.fc(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss
    def validation_step(self, batch, at):
        scores = self.fc(batch[0])
        self.log("val_loss", torch.nn.functional.cross_entropy(scores, batch[1]))
        self.log("val_acc", (scores.argmax(1) == batch[1]).float().mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
x = torch.randn(4096, 8)
data = torch.utils.data.TensorDataset(x, x[:, :4].argmax(1))
load = torch.utils.data.DataLoader(data, 16)
log = RunLogger("lightning", runs_dir={root!r})
pl.Trainer(max_epochs=100_000, logger=log, callbacks=[log], enable_progress_bar=False,
    enable_checkpointing=False, accelerator="cpu").fit(Net(), load, load)
"""
KERAS = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
from cnn_tui.engine.recording.keras import RunCallback
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("sgd", loss, metrics=["accuracy"])
x = np.random.randn(4096, 8).astype("f")
y = x[:, :4].argmax(1)
model.fit(x, y, epochs=100_000, batch_size=16, validation_data=(x, y), verbose=0,
    callbacks=[RunCallback("keras", runs_dir={root!r})])
"""
TRANSFORMERS = """
import torch
from transformers import Trainer, TrainingArguments
from cnn_tui.engine.recording.transformers import RunTrainerCallback
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(8, 4)
    def forward(self, x, labels=None):
        scores = self.fc(x)
        return {{"loss": torch.nn.functional.cross_entropy(scores, labels), "logits": scores}}
x = torch.randn(4096, 8)
data = [{{"x": row, "labels": row[:4].argmax()}} for row in x]
how = TrainingArguments({root!r} + "/../out", num_train_epochs=100_000, logging_steps=20,
    eval_strategy="epoch", save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True)
Trainer(Net(), how, train_dataset=data, eval_dataset=data,
    callbacks=[RunTrainerCallback("transformers", runs_dir={root!r})]).train()
"""
PROGRAMS = {"plain": PLAIN, "lightning": LIGHTNING, "keras": KERAS, "transformers": TRANSFORMERS}
HEAVY = pytest.mark.slow


@pytest.mark.parametrize(
    "name", ["plain", *(pytest.param(name, marks=HEAVY) for name in list(PROGRAMS)[1:])]
)
def test_it_is_watched_paused_and_stopped(
    name: str, start: Callable[..., Terminal], tmp_path: Path
) -> None:
    if name != "plain" and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: make .venv/.test EXTRAS=test,peers")
    root = str(tmp_path / "runs")
    environ = {**os.environ, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    training = start_process(
        [sys.executable, "-c", PROGRAMS[name].format(root=root)], cwd=tmp_path, env=environ
    )
    summary = tmp_path / "runs" / f"{name}-1" / "summary.json"

    def trains() -> bool:
        assert training.poll() is None
        return summary.exists() and json.loads(summary.read_text())["step"] > 0

    # The terminal is started once there is a run, by a program that waits for it.
    wait = start("import time\nwhile True: print('waiting'); time.sleep(0.2)")
    wait.until(trains, "run")
    terminal = start(WATCH.format(name=f"{name}-1", root=root))
    terminal.shows("training")
    terminal.shows("loss")
    terminal.press(" ")
    terminal.shows("paused at step")
    terminal.press(" ")
    terminal.until(lambda: "training" in terminal.screen.display[1], "training again")
    terminal.press("x")
    terminal.shows("Stop")
    terminal.press("y")
    terminal.shows("stopped")
    assert training.wait(60) == 0
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert json.loads(summary.read_text())["state"] == "stopped"
