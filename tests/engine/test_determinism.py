"""The same seed gives the same bits: for any number of threads, and from process to process."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from children import run
from samples import network, random_images, random_targets

from cnn_tui.engine.build import build
from cnn_tui.engine.optimizers import build_optimizer
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
)
from cnn_tui.engine.specs.network import SVM, Loss, OptimizerName, Recipe, Softmax

Shape = tuple[int, int, int]
CASES: dict[str, tuple[Shape, tuple[Layer, ...], Loss, OptimizerName]] = {
    "plain": (
        (1, 28, 28),
        (
            Conv(out_channels=6, kernel_size=5, padding=2),
            ReLU(),
            MaxPool(),
            Conv(out_channels=16, kernel_size=5),
            ReLU(),
            MaxPool(),
            FC(out_features=120),
            ReLU(),
        ),
        Softmax(label_smoothing=0.1),
        "momentum",
    ),
    "residual": (
        (3, 16, 16),
        (
            Conv(out_channels=8, padding=1, bias=False),
            BatchNorm(),
            ReLU(),
            Residual(branch=(Conv(out_channels=8, padding=1), BatchNorm(), Dropout(p=0.3))),
            ReLU(),
            Residual(
                branch=(Conv(out_channels=12, padding=1, stride=2, rounding="floor"), BatchNorm()),
                shortcut="projection",
                stride=2,
            ),
            Residual(branch=(ReLU(), Conv(out_channels=16, kernel_size=1)), shortcut="zero-pad"),
            AvgPool(),
            FC(out_features=20),
            BatchNorm(),
            Sigmoid(),
        ),
        SVM(squared=True),
        "adam",
    ),
    "wide": (
        (4, 18, 18),
        (
            Conv(out_channels=8, groups=2, padding=2, dilation=2),
            LRN(),
            LeakyReLU(),
            MaxPool(kernel_size=3, stride=2, rounding="floor"),
            FC(out_features=700),
            Dropout(),
            ReLU(),
            FC(out_features=400),
            BatchNorm(),
        ),
        Softmax(),
        "adamw",
    ),
}
CASES["large banks"] = (
    (3, 12, 12),
    (
        Conv(out_channels=130, padding=1, stride=2, rounding="floor"),
        ReLU(),
        Conv(out_channels=260, padding=1),
        BatchNorm(),
        ReLU(),
        Residual(branch=(Conv(out_channels=260, kernel_size=1),)),
        MaxPool(kernel_size=3, stride=2, padding=1, rounding="floor"),
    ),
    Softmax(),
    "sgd",
)
BATCHES = (33, 33, 7, 33, 1)
"""The sizes of five steps; the last ones short."""


def fingerprint(case: str, threads: int, seed: int = 3) -> str:
    """A digest of all that five steps and an evaluation leave behind, bit by bit."""
    shape, layers, loss, optimizer_name = CASES[case]
    recipe = Recipe(optimizer=optimizer_name, lr=1e-3, l2=1e-3, clip_norm=5.0, weight_decay=0.1)
    described = network(shape, *layers, classes=10, loss=loss, training=recipe)
    model = build(described, seed=seed, threads=threads)
    optimizer = build_optimizer(recipe, model)
    digest = hashlib.sha256()
    for step, batch in enumerate(BATCHES):
        images = random_images(shape, batch, step, np.float32)
        result = model.train_batch(images, random_targets(10, batch, step))
        l2_loss = optimizer.step(recipe.lr, result.gradient_norm)
        digest.update(repr((result, l2_loss)).encode())
    for parameter in model.parameters.values():
        digest.update(parameter.data.tobytes())
        digest.update(parameter.grad.tobytes())
    for buffer in model.buffers.values():
        digest.update(buffer.tobytes())
    digest.update(model.forward(random_images(shape, 33, 9, np.float32)).tobytes())
    model.close()
    return digest.hexdigest()


@pytest.mark.parametrize("case", CASES)
def test_threads_change_no_bit(case: str) -> None:
    expected = fingerprint(case, 1)
    for threads in (2, 3, 8):
        for _ in range(2):
            assert fingerprint(case, threads) == expected, threads


@pytest.mark.parametrize("case", CASES)
def test_another_seed_changes_something(case: str) -> None:
    assert fingerprint(case, 1) != fingerprint(case, 1, seed=4)


def test_processes_agree_whatever_their_surroundings() -> None:
    """Hash seed, BLAS threads, the number of threads and what ran before make no difference."""
    expected = [fingerprint(case, 1) for case in CASES]
    for blas_threads, threads, order in (("1", 1, 1), ("2", 2, -1)):
        names = list(CASES)[::order]
        code = (
            "import sys; sys.path.append('..'); import test_determinism as t;"
            f"print(*(t.fingerprint(c, {threads}) for c in {names}))"
        )
        done = run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env=os.environ | {"OPENBLAS_NUM_THREADS": blas_threads, "PYTHONHASHSEED": blas_threads},
        )
        assert done.stdout.split()[::order] == expected
