"""Networks that between them hold every kind of layer, to compare with PyTorch."""

from __future__ import annotations

from samples import Shape

from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)

NETWORKS: dict[str, tuple[Shape, tuple[Layer, ...]]] = {
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
            FC(out_features=84),
            ReLU(),
        ),
    ),
    "normed": (
        (3, 12, 10),
        (
            Conv(out_channels=8, padding=1, bias=False),
            BatchNorm(),
            ReLU(),
            Conv(out_channels=12, kernel_size=(3, 1), stride=(2, 1), rounding="floor"),
            BatchNorm(eps=1e-3, momentum=0.3),
            Tanh(),
            AvgPool(rounding="floor"),
            FC(out_features=20),
            BatchNorm(),
            Sigmoid(),
        ),
    ),
    "odd windows": (
        (4, 15, 13),
        (
            Conv(out_channels=8, padding=2, dilation=2, groups=2),
            LeakyReLU(negative_slope=0.1),
            MaxPool(kernel_size=3, stride=2, padding=1, rounding="floor"),
            Conv(out_channels=6, kernel_size=5, padding=4),
            ReLU(),
            LRN(alpha=0.1),
            Conv(out_channels=6, stride=2, groups=3, rounding="floor"),
            ReLU(),
            AvgPool(kernel_size=(2, 3), stride=1, padding=(1, 1)),
            MaxPool(stride=1),
            LRN(size=4, alpha=1.0, beta=0.5, k=1.0),
            GlobalAvgPool(),
        ),
    ),
    "residual": (
        (3, 8, 8),
        (
            Conv(out_channels=8, padding=1),
            ReLU(),
            Residual(
                branch=(
                    Conv(out_channels=8, padding=1, bias=False),
                    BatchNorm(),
                    ReLU(),
                    Conv(out_channels=8, padding=1),
                    BatchNorm(),
                )
            ),
            ReLU(),
            Residual(
                branch=(
                    Conv(out_channels=4, kernel_size=1),
                    ReLU(),
                    Conv(out_channels=4, padding=1, stride=2, rounding="floor"),
                    ReLU(),
                    Conv(out_channels=16, kernel_size=1),
                ),
                shortcut="projection",
                stride=2,
            ),
            ReLU(),
            Residual(
                branch=(Conv(out_channels=24, padding=1, stride=2, rounding="floor"), Tanh()),
                shortcut="zero-pad",
                stride=2,
            ),
            Residual(
                branch=(ReLU(), Residual(branch=(Tanh(), Conv(out_channels=24, kernel_size=1))))
            ),
        ),
    ),
    "large banks": (
        (3, 12, 12),
        (
            Conv(out_channels=130, padding=1, stride=2, rounding="floor"),
            ReLU(),
            Conv(out_channels=140, padding=1),
            ReLU(),
            MaxPool(),
            Conv(out_channels=280, padding=1, groups=2),
            BatchNorm(),
            ReLU(),
            Conv(out_channels=260, kernel_size=1),
            Residual(
                branch=(ReLU(), Conv(out_channels=260, padding=1, stride=2, rounding="floor")),
                stride=2,
                shortcut="zero-pad",
            ),
        ),
    ),
    "wide": (
        (3, 16, 16),
        (
            Conv(out_channels=32, padding="same"),
            ReLU(),
            MaxPool(),
            FC(out_features=300),
            ReLU(),
        ),
    ),
}
