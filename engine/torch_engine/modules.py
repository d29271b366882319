"""Makes the module that an export writes, from the same expression, without evaluating any text.

The expression is parsed, and of its syntax only what an export uses has a meaning here: calls of
``nn``, of the classes in :mod:`own` and of ``OrderedDict``, constants, and a repeated call.
"""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from cnn_tui.engine.export.modules import Module
from cnn_tui.engine.export.own_modules import OWN
from cnn_tui.engine.export.pytorch import torch_expression
from cnn_tui.engine.torch_engine import own


def torch_module(tree: tuple[Module, ...]) -> nn.Module:
    """Return the module of a network, on the device ``meta``: without any memory for weights."""
    with torch.device("meta"):
        made: nn.Module = _value(ast.parse(torch_expression(tree), mode="eval").body)
        return made


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.Tuple(elements):
            return tuple(_values(elements))
        case ast.List(elements):
            return list(_values(elements))
        case ast.Call(function, arguments, keywords):
            named = {str(keyword.arg): _value(keyword.value) for keyword in keywords}
            return _class(function)(*_values(arguments), **named)
    raise ValueError(f"no export writes {ast.unparse(node)}")


def _values(nodes: Sequence[ast.expr]) -> Iterator[Any]:
    for node in nodes:
        match node:
            case ast.Starred(ast.GeneratorExp(each, [ast.comprehension(iter=ast.Call(args=[n]))])):
                for _ in range(_value(n)):
                    yield _value(each)
            case _:
                yield _value(node)


def _class(function: ast.expr) -> Any:
    match function:
        case ast.Attribute(ast.Name("nn"), name):
            return getattr(nn, name)
        case ast.Name("OrderedDict"):
            return OrderedDict
        case ast.Name(name) if name in OWN:
            return getattr(own, name)
    raise ValueError(f"no export calls {ast.unparse(function)}")
