"""The memory of concatenation: a dense block of DenseNet-121, here and in PyTorch.

    python benchmarks/dense_block.py [BATCH]

Each side trains for three steps in a process of its own; printed is how far its memory rises above
what it is with the network built.
"""

from __future__ import annotations

import resource
import subprocess
import sys

BLOCKS = {"first": (64, 56, 6), "third": (256, 14, 24), "last": (512, 7, 16)}
"""Channels and side of the input, and layers."""
GROWTH, CLASSES, STEPS = 32, 10, 3


def peak() -> int:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def train_here(channels: int, side: int, layers: int, batch: int) -> int:
    """MB that training the block needs here."""
    import numpy as np

    from cnn_tui.engine.build import build
    from cnn_tui.engine.specs.layers import (
        FC,
        BatchNorm,
        Conv,
        GlobalAvgPool,
        Parallel,
        ReLU,
        Repeat,
    )
    from cnn_tui.engine.specs.network import Network

    layer = (
        BatchNorm(),
        ReLU(),
        Conv(out_channels=4 * GROWTH, kernel_size=1, bias=False),
        BatchNorm(),
        ReLU(),
        Conv(out_channels=GROWTH, padding="same", bias=False),
    )
    block = Repeat(layers=(Parallel(branches=((), layer)),), times=layers)
    network = Network(
        input=(channels, side, side), layers=(block, GlobalAvgPool(), FC(out_features=CLASSES))
    )
    images = np.random.default_rng(0).random((batch, *network.input), np.float32)
    model = build(network, threads=2)
    before = peak()
    for _ in range(STEPS):
        model.train_batch(images, np.zeros(batch, np.int64))
    return peak() - before


def train_there(channels: int, side: int, layers: int, batch: int) -> int:
    """MB that training the block needs in PyTorch, as torchvision writes it."""
    import torch
    from torch import nn

    class Layer(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, super().forward(x)], 1)

    made = [
        Layer(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 4 * GROWTH, 1, bias=False),
            nn.BatchNorm2d(4 * GROWTH),
            nn.ReLU(inplace=True),
            nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False),
        )
        for width in range(channels, channels + layers * GROWTH, GROWTH)
    ]
    head = nn.Linear(channels + layers * GROWTH, CLASSES)
    torch.set_num_threads(2)
    network = nn.Sequential(*made, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    images = torch.rand(batch, channels, side, side)
    before = peak()
    for _ in range(STEPS):
        network.zero_grad()
        nn.functional.cross_entropy(
            network(images), torch.zeros(batch, dtype=torch.long)
        ).backward()
    return peak() - before


def main() -> None:
    """Measure every block on both sides."""
    if len(sys.argv) == 4:
        side, name, batch = sys.argv[1:]
        train = train_here if side == "here" else train_there
        print(train(*BLOCKS[name], int(batch)))
        return
    batch = sys.argv[1] if len(sys.argv) > 1 else "16"
    print(f"{'block':8}{'here':>9}{'PyTorch':>9}  ratio, batch of {batch}")
    for name in BLOCKS:
        command = [sys.executable, __file__]
        here, there = (
            int(subprocess.check_output([*command, side, name, batch]))
            for side in ("here", "there")
        )
        print(f"{name:8}{here:6} MB{there:6} MB{here / there:7.2f}")


if __name__ == "__main__":
    main()
