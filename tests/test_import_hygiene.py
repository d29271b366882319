"""What loading a part drags in, seen in a fresh interpreter each."""

from __future__ import annotations

import os
import pkgutil
import sys
from pathlib import Path

import pytest
from children import run

import cnn_tui.engine
import cnn_tui.engine.specs

SCREEN = {"textual", "rich", "plotext", "click"}
ARRAYS = {"numpy", "threadpoolctl"}
EXTRAS = {"dask", "distributed", "onnx", "optuna", "pyarrow", "scipy", "torch"}
"""What is installed only by an extra of the package."""
SPECS = [
    module.name
    for module in pkgutil.walk_packages(cnn_tui.engine.specs.__path__, "cnn_tui.engine.specs.")
    if not module.ispkg
]
OPTIONAL = {
    f"cnn_tui.engine.recording.{name}" for name in ("layers", "lightning", "keras", "transformers")
}
"""Modules for libraries that are there only where somebody trains with them."""
ENGINE = [
    module.name
    for module in pkgutil.walk_packages(cnn_tui.engine.__path__, "cnn_tui.engine.")
    if not module.ispkg and module.name not in OPTIONAL and ".torch_engine." not in module.name
]


CLUSTER = {
    f"cnn_tui.engine.sweeps.{name}"
    for name in (
        "cluster",
        "coordinator",
        "leading",
        "live",
        "placing",
        "study",
        "worker",
        "worker_setup",
    )
}
"""What leads a sweep, with Dask and Optuna; Dask itself loads click."""


def loaded_by(code: str, **environ: str) -> set[str]:
    """Top-level names of all modules that a new interpreter holds after ``code``."""
    program = f"{code}\nimport sys\nprint(*sorted({{n.partition('.')[0] for n in sys.modules}}))"
    done = run([sys.executable, "-W", "error", "-c", program], env={**os.environ, **environ})
    return set(done.stdout.splitlines()[-1].split())


def test_parts_are_found() -> None:
    assert "cnn_tui.engine.specs.layers" in SPECS
    assert "cnn_tui.engine.data.mnist" in ENGINE


def test_specs_shapes_and_errors_need_neither_arrays_nor_screen() -> None:
    names = [*SPECS, "cnn_tui.engine.shapes", "cnn_tui.engine.errors"]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert not loaded & (ARRAYS | SCREEN)


def test_events_and_control_need_no_arrays() -> None:
    loaded = loaded_by("import cnn_tui.engine.training.events, cnn_tui.engine.training.control")
    assert not loaded & (ARRAYS | SCREEN)


def test_recording_is_loaded_when_it_begins_and_needs_no_arrays(tmp_path: Path) -> None:
    loaded = loaded_by("from cnn_tui.engine import record")
    assert not loaded & (ARRAYS | SCREEN | {"msgspec", "platformdirs"})
    recorded = f"with record('a', runs_dir={str(tmp_path)!r}) as run: run.batch(loss=1.0)"
    loaded = loaded_by(f"from cnn_tui.engine import record\n{recorded}")
    assert "msgspec" in loaded and not loaded & (ARRAYS | SCREEN)


def test_the_whole_engine_knows_no_screen() -> None:
    assert {*ENGINE} > CLUSTER
    names = [name for name in ENGINE if name not in CLUSTER]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert "numpy" in loaded
    assert not loaded & {*SCREEN, *EXTRAS}


def test_a_training_with_numpy_loads_nothing_of_an_extra(tmp_path: Path) -> None:
    call = f"train('digits-convnet', epochs=1, quiet=True, runs_dir={str(tmp_path)!r})"
    loaded = loaded_by(f"from cnn_tui.engine import train; {call}")
    assert "numpy" in loaded and not loaded & {*SCREEN, *EXTRAS}


def test_what_reads_and_describes_a_sweep_needs_neither_cluster_nor_arrays() -> None:
    names = ("state", "requests", "folder", "plan", "writing", "trying")
    loaded = loaded_by("\n".join(f"import cnn_tui.engine.sweeps.{name}" for name in names))
    assert not loaded & {*SCREEN, *ARRAYS, "dask", "distributed", "optuna"}


@pytest.mark.parametrize(("args", "code"), [("--help", 0), ("--version", 0), ("--nonsense", 2)])
def test_the_command_line_starts_without_anything_heavy(args: str, code: int) -> None:
    loaded = loaded_by(f"from cnn_tui.tui.cli.main import main; assert main([{args!r}]) == {code}")
    assert "click" in loaded
    assert not loaded & {"numpy", "textual", "rich", "plotext"}


@pytest.mark.parametrize("words", ["check lenet5", "learn --list", "presets", "runs", "sweep list"])
def test_what_reads_only_text_needs_neither_arrays_nor_the_app(words: str, tmp_path: Path) -> None:
    call = f"main({[*words.split(), '--json']}) == 0"
    loaded = loaded_by(
        f"from cnn_tui.tui.cli.main import main; assert {call}", XDG_DATA_HOME=str(tmp_path)
    )
    assert not loaded & {"numpy", "textual", "rich", "plotext"}
