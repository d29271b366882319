"""Functions and methods of PyTorch that stand for a module, with their arguments."""

from __future__ import annotations

from collections.abc import Mapping

from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.specs.quick.called import POOL

FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "relu": ("ReLU", ("inplace",)),
    "relu_": ("ReLU", ()),
    "leaky_relu": ("LeakyReLU", ("negative_slope", "inplace")),
    "gelu": ("GELU", ("approximate",)),
    "relu6": ("ReLU6", ("inplace",)),
    "elu": ("ELU", ("alpha", "inplace")),
    "silu": ("SiLU", ("inplace",)),
    "hardswish": ("Hardswish", ("inplace",)),
    "hardsigmoid": ("Hardsigmoid", ("inplace",)),
    "sigmoid": ("Sigmoid", ()),
    "tanh": ("Tanh", ()),
    "max_pool2d": ("MaxPool2d", (*POOL, "dilation", "ceil_mode", "return_indices")),
    "avg_pool2d": (
        "AvgPool2d",
        (*POOL, "ceil_mode", "count_include_pad", "divisor_override"),
    ),
    "adaptive_avg_pool2d": ("AdaptiveAvgPool2d", ("output_size",)),
    "adaptive_max_pool2d": ("AdaptiveMaxPool2d", ("output_size", "return_indices")),
    "dropout": ("Dropout", ("p", "training", "inplace")),
    "local_response_norm": ("LocalResponseNorm", ("size", "alpha", "beta", "k")),
    "flatten": ("Flatten", ("start_dim", "end_dim")),
    "softmax": ("Softmax", ("dim", "_stacklevel", "dtype")),
    "log_softmax": ("LogSoftmax", ("dim", "_stacklevel", "dtype")),
    "mean": ("AdaptiveAvgPool2d", ("dim", "keepdim", "dtype")),
    "contiguous": ("Identity", ()),
}
"""The module of each function, and the arguments after its input, in PyTorch's order."""
RESHAPES = ("view", "reshape")
"""Functions that may flatten, by the shape that they are given."""

_FREE = ("inplace", "_stacklevel", "dtype", "training")
"""Arguments that change nothing here."""
_IMAGE = ({2, 3}, {-2, -1})
"""Height and width, counted from either end."""


def applied(name: str, where: str, given: Mapping[str, object]) -> tuple[ImportedModule, ...]:
    """Return the modules that a call stands for.

    Raises:
        SpecError: if its arguments have no counterpart.
    """
    kind = FUNCTIONS[name][0]
    settings = {key: value for key, value in given.items() if key not in _FREE}
    if name == "flatten":
        # The function flattens the batch as well by default, the module does not.
        settings.setdefault("start_dim", 0)
    if name == "mean":
        return _mean(ImportedModule(kind, where, {"output_size": 1}), settings)
    if name == "dropout" and given.get("training") is False:
        return (ImportedModule("Identity", where),)
    return (ImportedModule(kind, where, settings),)


def _mean(pool: ImportedModule, given: Mapping[str, object]) -> tuple[ImportedModule, ...]:
    dims = given.get("dim")
    if not isinstance(dims, tuple) or set(dims) not in _IMAGE:
        raise pool.refused("does not average height and width, (2, 3): no counterpart")
    return (pool,) if given.get("keepdim") else (pool, ImportedModule("Flatten", pool.where))
