"""Arguments of the functions and methods that a ``forward`` calls."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from cnn_tui.engine.importing.functions import FUNCTIONS
from cnn_tui.engine.importing.literals import NotLiteralError
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.syntax import is_training
from cnn_tui.engine.importing.torch_source import TorchSource
from cnn_tui.engine.importing.torch_values import Value

Known = Value | list[Value] | ImportedModule | Literal["batch", "size"]
"""What a variable holds; instead of a value also a module, the number of images, another size."""
Values = dict[str, Known]


class CallReader:
    """Reads arguments with the literals that a class knows."""

    def __init__(self, source: TorchSource) -> None:
        self._source = source
        self.remarks: list[str] = []
        """Differences from PyTorch, as sentences."""

    def settings(
        self, node: ast.Call, name: str, arguments: Sequence[ast.expr]
    ) -> dict[str, object]:
        """Return the literal arguments; ``training`` may be that of the module."""
        keywords = [word for word in node.keywords if not is_training(word.value)]
        plain_ones = [argument for argument in arguments if not is_training(argument)]
        asks = len(plain_ones) + len(keywords) < len(arguments) + len(node.keywords)
        if name == "dropout" and not asks:
            self.remarks.append(
                f"line {node.lineno}: without training=self.training this dropout also drops when "
                "the network is used; here it does not"
            )
        stripped = ast.copy_location(ast.Call(node.func, plain_ones, keywords), node)
        return self._source.settings(stripped, FUNCTIONS[name][1])

    def reshaped(
        self, node: ast.Call, arguments: Sequence[ast.expr], values: Values
    ) -> ImportedModule:
        """Flatten to ``(N, -1)``, or give flat values one pixel: ``(N, C, 1, 1)``."""
        shape = arguments
        if len(shape) == 1 and isinstance(shape[0], ast.Tuple | ast.List):
            shape = shape[0].elts
        batched = bool(shape) and (self.is_batch(shape[0], values) or self._is(shape[0], -1))
        if batched and len(shape) == 4 and self._is(shape[2], 1) and self._is(shape[3], 1):
            return ImportedModule("Unflatten", self._source.at(node))
        if batched and len(shape) == 2:
            return ImportedModule("Flatten", self._source.at(node))
        raise self._source.error(node, "does not flatten to (-1, n): no counterpart")

    def _is(self, node: ast.expr, number: int) -> bool:
        with suppress(NotLiteralError):
            return self._source.value(node) == number
        return False

    def is_batch(self, node: ast.expr, values: Values) -> bool:
        """Whether an expression counts the images: ``x.size(0)``, ``x.shape[0]`` or ``len(x)``."""
        match node:
            case ast.Name(id=name):
                return values.get(name) == "batch"
            case ast.Call(func=ast.Attribute(attr="size"), args=[ast.Constant(value=0)]):
                return True
            case ast.Subscript(value=ast.Attribute(attr="shape"), slice=ast.Constant(value=0)):
                return True
            case ast.Call(func=ast.Name(id="len")):
                return True
        return False
