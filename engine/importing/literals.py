"""Values that stand written in Python source. Nothing is ever run."""

from __future__ import annotations

import ast
from collections.abc import Mapping

_LARGEST = 2**53


class NotLiteralError(Exception):
    """A value that only running the program could tell; the text says what stands there."""


def value_of(node: ast.expr, names: Mapping[str, object]) -> object:
    """A number, text, truth value, None, a tuple of these, or whole numbers added and multiplied.

    ``names`` are what the program has given literal values. Lists become tuples.

    Raises:
        UnreadableError: if it is anything else.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return tuple(value_of(item, names) for item in items)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(value_of(operand, names), node)
        case ast.BinOp(left=left, op=operator, right=right):
            first, second = (_number(value_of(side, names), node) for side in (left, right))
            return _combined(first, operator, second, node)
    raise NotLiteralError(text_of(node))


def constants(tree: ast.Module) -> dict[str, object]:
    """The names of a module that are given a literal, once."""
    found: dict[str, object] = {}
    twice = set[str]()
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        twice |= {name} & found.keys()
        try:
            found[name] = value_of(value, found)
        except NotLiteralError:
            twice.add(name)
    return {name: value for name, value in found.items() if name not in twice}


def text_of(node: ast.AST) -> str:
    """The source of a node, short."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _number(value: object, node: ast.expr) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise NotLiteralError(text_of(node))


def _combined(
    first: int | float, operator: ast.operator, second: int | float, node: ast.expr
) -> int | float:
    match operator:
        case ast.Add():
            result = first + second
        case ast.Sub():
            result = first - second
        case ast.Mult():
            result = first * second
        case ast.FloorDiv() if second:
            result = first // second
        case _:
            raise NotLiteralError(text_of(node))
    # Larger ones fit no setting, and their products could take for ever.
    if not abs(result) <= _LARGEST:
        raise NotLiteralError(text_of(node))
    return result
