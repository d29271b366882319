"""The exact GELU and its rational tail; the slopes of a PReLU; defaults of other programs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.ops.normal_tail import normal_tail
from cnn_tui.engine.specs.activations import GELU, Activation, PReLU, ReLU6
from cnn_tui.engine.specs.layers import ReLU


def test_the_tail_is_that_of_erfc_to_1e_12() -> None:
    a = np.concatenate([np.linspace(0, 40, 20_001), [1e3, 1e6]])
    tail, scratch = np.empty_like(a), np.empty_like(a)
    normal_tail(a, tail, scratch)
    expected = np.array([math.erfc(value / math.sqrt(2)) / 2 for value in a])
    assert np.abs(tail - expected).max() < 1e-15
    sizable = expected > 1e-300
    assert np.abs(tail[sizable] / expected[sizable] - 1).max() < 1e-12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nn.GELU()", GELU(approximate="none")),
        ("nn.GELU(approximate='tanh')", GELU(approximate="tanh")),
        ("nn.PReLU()", PReLU()),
        ("nn.PReLU(2, init=0.5)", PReLU(per_channel=True, init=0.5)),
        ("nn.ReLU6(inplace=True)", ReLU6()),
        ("nn.ReLU()", ReLU()),
    ],
)
def test_what_pytorch_takes_for_an_argument_that_is_left_out(
    text: str, expected: Activation, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(f"m = nn.Sequential({text})")
    assert import_network(tmp_path / "net.py", (2, 4, 4)).network.layers == (expected,)


def test_an_old_file_keeps_the_form_of_its_gelu() -> None:
    assert GELU().approximate == "tanh"
