"""Networks as ``nn.Sequential``, for what imports them in any form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.build import build
from cnn_tui.engine.specs.network import Network

Size = tuple[int, int, int]

NETS: dict[str, tuple[str, Size]] = {
    "small": (
        "nn.Conv2d(3, 8, 3, padding='same'), nn.BatchNorm2d(8), nn.ReLU(inplace=True),"
        "nn.MaxPool2d(2), nn.Dropout(0.3), nn.Flatten(), nn.Linear(8 * 16 * 16, 10)",
        (3, 32, 32),
    ),
    "odd": (
        "nn.Conv2d(3, 8, (3, 5), stride=2, dilation=2), nn.LeakyReLU(0.2), nn.AvgPool2d(3, 2, 1),"
        "nn.Conv2d(8, 16, 3, groups=2, bias=False), nn.Sigmoid(), nn.Tanh(),"
        "nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10, bias=False)",
        (3, 33, 40),
    ),
    "lrn": (
        "nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.LocalResponseNorm(4, 1e-3, k=2.0),"
        "nn.MaxPool2d(kernel_size=(3, 3), stride=2, padding=1, ceil_mode=False),"
        "nn.AdaptiveAvgPool2d((7, None)), nn.Flatten(start_dim=1), nn.Linear(7 * 14 * 6, 10)",
        (1, 28, 28),
    ),
    "nested": (
        "nn.Sequential(nn.Conv2d(1, 4, 3), nn.Sequential(nn.BatchNorm2d(4, eps=1e-3)), nn.ReLU()),"
        "nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 3))",
        (1, 8, 8),
    ),
    "flat": (
        "nn.Linear(64, 20), nn.ReLU(), nn.BatchNorm1d(20), nn.Linear(20, 10)",
        (1, 8, 8),
    ),
    "ends in a volume": (
        "nn.Conv2d(1, 8, 8), nn.ReLU(), nn.Conv2d(8, 10, 1), nn.Flatten()",
        (1, 8, 8),
    ),
}


def source(path: Path, text: str, head: str = "from torch import nn\n") -> Path:
    path.write_text(head + text)
    return path


def peer(text: str) -> object:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    torch.manual_seed(0)
    return eval(f"nn.Sequential({text})", {"nn": torch.nn})


def assert_same_scores(network: Network, module: object) -> None:
    """With the weights of the module, in their order."""
    import torch

    rng = np.random.default_rng(0)
    for buffer in module.buffers():
        if buffer.ndim:
            buffer.copy_(torch.from_numpy(rng.random(buffer.shape, dtype=np.float32) + 0.5))
    model = build(network)
    ours = [parameter.data for parameter in model.parameters.values()]
    theirs = [parameter.detach().numpy() for parameter in module.parameters()]
    ours += list(model.buffers.values())
    theirs += [buffer.numpy() for buffer in module.buffers() if buffer.ndim]
    for target, values in zip(ours, theirs, strict=True):
        assert target.shape == values.shape
        target[...] = values
    images = rng.random((3, *network.input), dtype=np.float32)
    flat = type(next(module.children())).__name__ == "Linear"
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(images.reshape(3, -1) if flat else images))
    scores = model.forward(images)
    model.close()
    np.testing.assert_allclose(scores, expected.numpy().reshape(3, -1), rtol=1e-4, atol=1e-5)
