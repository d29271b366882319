"""A network of blocks in the builder, and what it shows of it."""

from __future__ import annotations

from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Layer,
    Parallel,
    ReLU,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.building.outline import Row


def conv(channels: int, size: int = 3) -> Conv:
    return Conv(out_channels=channels, kernel_size=size, padding=size // 2)


MODULE = Parallel(branches=((conv(8, 1),), (conv(4, 1), ReLU(), conv(16)), ()))
NETWORK = Network(input=(3, 8, 8), data="maps", layers=(ReLU(), MODULE, FC(out_features=10)))


def built(*layers: Layer) -> Builder:
    return Builder(Document(Network(input=(3, 8, 8), data="maps", layers=layers or NETWORK.layers)))


def keys(made: Builder) -> list[str]:
    return [row.key for row in made.rows][1:-2]


def row(made: Builder, key: str) -> Row:
    return next(row for row in made.rows if row.key == key)


def line(made: Builder) -> str:
    return to_quick(made.network.layers)
