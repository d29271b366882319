"""Recognises activations by their values, in whatever way a graph computes them.

A part of a graph that treats each number alone, with constants that are single numbers, is a
function of one variable. It is computed at some points and compared with the activations; so the
many ways in which programs write GELU or SiLU need no list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Join, Path
from cnn_tui.engine.ops.activations import ACTIVATIONS, activated
from cnn_tui.engine.specs.activations import ELU, GELU, Activation, LeakyReLU
from cnn_tui.engine.specs.layers import Layer

POINTS = np.concatenate([np.linspace(-14, 14, 449), [-60.0, -30.0, 30.0, 60.0]])
"""The numbers at which functions are compared; -1 and 0 are among them."""
_MIDDLE = 4
_KINDS = cast("list[type[Activation]]", list(ACTIVATIONS))
NAMED = frozenset(kind.info.onnx.name for kind in _KINDS)
"""Operators that are activations by name."""
_WITHOUT_SETTINGS = [kind for kind in _KINDS if kind.__struct_fields__ == ("name",)]
MOST_STEPS = 12
"""Operators one after another that are taken for one function."""


class Affine(NamedTuple):
    """``factor * x + offset``."""

    factor: float
    offset: float


def activation_of(values: np.ndarray) -> Layer | Affine | None:
    """Return the activation with these values at ``POINTS``; None if there is no such."""
    offset = float(values[np.flatnonzero(POINTS == 0)[0]])
    below = float(values[np.flatnonzero(POINTS == -1)[0]])
    factor = offset - below
    if _is_close(values, factor * POINTS + offset):
        return Affine(factor, offset)
    return next((one for one in _like(below) if _is_close(values, _of(one, POINTS))), None)


def nearest_to(values: np.ndarray) -> Layer:
    """Return the activation that comes nearest to these values at ``POINTS`` around zero."""
    middle = abs(POINTS) < _MIDDLE
    below = float(values[np.flatnonzero(POINTS == -1)[0]])
    return min(_like(below), key=lambda one: float(abs(_of(one, POINTS) - values)[middle].mean()))


def _like(below: float) -> list[Layer]:
    """All activations; ``below`` is the value at -1, which tells slopes."""
    slope, alpha = rounded(-below), rounded(below / math.expm1(-1))
    return [
        *(kind() for kind in _WITHOUT_SETTINGS),
        GELU(approximate="none"),
        GELU(approximate="tanh"),
        *([LeakyReLU(negative_slope=slope)] if 0 <= slope <= 1 else []),
        *([ELU(alpha=alpha)] if 0 <= alpha <= 1 else []),
    ]


def _is_close(values: np.ndarray, expected: np.ndarray) -> bool:
    # Constants in files are float32.
    return np.allclose(values, expected, rtol=1e-5, atol=1e-6)


def _of(layer: Layer, x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return activated(layer, x)


def values_of(item: Node | Join, file: OnnxFile, x: np.ndarray) -> np.ndarray | None:
    """Return the values of an operator on ``x``; None if it does more than treat each number."""
    node = item if isinstance(item, Node) else item.node
    if node.op not in _FUNCTIONS:
        return None
    if isinstance(item, Join):
        branches = [_along(branch, file, x) for branch in item.branches]
        arguments: list[Any] | None = None if any(one is None for one in branches) else branches
    else:
        arguments = _arguments(node, file, x)
    if arguments is None:
        return None
    with np.errstate(all="ignore"):
        return np.asarray(_FUNCTIONS[node.op](node.attributes, *arguments))


def _along(path: Path, file: OnnxFile, x: np.ndarray) -> np.ndarray | None:
    values: np.ndarray | None = x
    for item in path:
        if values is None or len(path) > MOST_STEPS:
            return None
        values = values_of(item, file, values)
    return values


def _arguments(node: Node, file: OnnxFile, x: np.ndarray) -> list[Any] | None:
    """The inputs of a node in their order: ``x``, and numbers for its constants."""
    arguments: list[Any] = []
    for name in node.inputs:
        if not name:
            arguments.append(None)
        elif not file.is_constant(name):
            arguments.append(x)
        elif math.prod(file.tensors.shape(name)) == 1:
            arguments.append(float(file.tensors.array(name).ravel()[0]))
        else:
            return None
    return arguments


def _clip(given: Mapping[str, Any], x: Any, low: Any = None, high: Any = None) -> Any:
    low = given.get("min", -math.inf) if low is None else low
    high = given.get("max", math.inf) if high is None else high
    return np.minimum(np.maximum(x, low), high)


def _gelu(given: Mapping[str, Any], x: Any) -> Any:
    exact = given.get("approximate", b"none") == b"none"
    if exact:
        return 0.5 * x * (1 + _erf(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _erf(x: Any) -> np.ndarray:
    return np.array([math.erf(value) for value in np.atleast_1d(x)])


def _hard_sigmoid(given: Mapping[str, Any], x: Any) -> Any:
    return _clip({}, given.get("alpha", 0.2) * x + given.get("beta", 0.5), 0, 1)


def _sigmoid(x: Any) -> Any:
    return np.exp(-np.logaddexp(0, -x))


def _fold_all(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def apply(given: Mapping[str, Any], *values: Any) -> Any:
        first, *rest = values
        for one in rest:
            first = function(first, one)
        return first

    return apply


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        kind.info.onnx.name: lambda given, x, kind=kind: _of(kind(), np.asarray(x))
        for kind in _WITHOUT_SETTINGS
    },
    "Add": _fold_all(np.add),
    "Sum": _fold_all(np.add),
    "Sub": _fold_all(np.subtract),
    "Mul": _fold_all(np.multiply),
    "Div": _fold_all(np.divide),
    "Max": _fold_all(np.maximum),
    "Min": _fold_all(np.minimum),
    "Pow": _fold_all(np.power),
    "Clip": _clip,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda given, x: x * _clip({}, x / 6 + 0.5, 0, 1),
    "Swish": lambda given, x: x * _sigmoid(given.get("alpha", 1.0) * x),
    "Elu": lambda given, x: np.where(x > 0, x, given.get("alpha", 1.0) * np.expm1(x)),
    "LeakyRelu": lambda given, x: np.where(x > 0, x, given.get("alpha", 0.01) * x),
    "Relu": lambda given, x: np.maximum(x, 0),
    "Sigmoid": lambda given, x: _sigmoid(x),
    "Tanh": lambda given, x: np.tanh(x),
    "Erf": lambda given, x: _erf(x),
    "Exp": lambda given, x: np.exp(x),
    "Softplus": lambda given, x: np.logaddexp(0, x),
    "Neg": lambda given, x: -x,
    "Sqrt": lambda given, x: np.sqrt(x),
    "Reciprocal": lambda given, x: 1 / x,
    "Identity": lambda given, x: x,
}
FUNCTIONS: Iterable[str] = frozenset(_FUNCTIONS)
"""Operators that treat each number alone."""
