"""Evaluates literal values in Python source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

_LARGEST = 2**53


class NotLiteralError(Exception):
    """An expression is not a literal; the message is its source."""


def value_of(node: ast.expr, names: Mapping[str, object]) -> object:
    """Evaluate a literal: number, text, bool, None, tuple or list, or arithmetic of these.

    Comparisons, ``and``, ``or``, ``not`` and ``a if b else c`` are understood as well.

    ``names`` maps variables to their literal values, attributes as ``self.name``. Lists become
    tuples.

    Raises:
        NotLiteralError: for any other expression.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return tuple(value_of(item, names) for item in items)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Attribute(value=ast.Name(id=held), attr=name) if f"{held}.{name}" in names:
            return names[f"{held}.{name}"]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(value_of(operand, names), node)
        case ast.Call(func=ast.Name(id="int"), args=[inner], keywords=[]):
            number = _number(value_of(inner, names), node)
            if abs(number) <= _LARGEST:
                return int(number)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not value_of(operand, names)
        case ast.BoolOp(op=ast.And(), values=items):
            return all(value_of(item, names) for item in items)
        case ast.BoolOp(op=ast.Or(), values=items):
            return any(value_of(item, names) for item in items)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _compared(value_of(left, names), operator, value_of(right, names), node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return value_of(body if value_of(test, names) else orelse, names)
        case ast.BinOp(left=left, op=operator, right=right):
            first, second = (_number(value_of(side, names), node) for side in (left, right))
            return _combined(first, operator, second, node)
    raise NotLiteralError(text_of(node))


def constants(tree: ast.Module) -> dict[str, object]:
    """Return the variables of a module that are assigned once, to a literal."""
    values: dict[str, object] = {}
    ambiguous = set[str]()
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        ambiguous |= {name} & values.keys()
        try:
            values[name] = value_of(value, values)
        except NotLiteralError:
            ambiguous.add(name)
    return {name: value for name, value in values.items() if name not in ambiguous}


def text_of(node: ast.AST) -> str:
    """Return the source of a node, shortened."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _number(value: object, node: ast.expr) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise NotLiteralError(text_of(node))


def _compared(first: object, operator: ast.cmpop, second: object, node: ast.expr) -> bool:
    match operator:
        case ast.Eq():
            return first == second
        case ast.NotEq():
            return first != second
        case ast.Is() if second is None:
            return first is None
        case ast.IsNot() if second is None:
            return first is not None
        case ast.Lt():
            return _number(first, node) < _number(second, node)
        case ast.LtE():
            return _number(first, node) <= _number(second, node)
        case ast.Gt():
            return _number(first, node) > _number(second, node)
        case ast.GtE():
            return _number(first, node) >= _number(second, node)
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
        case ast.Div() if second:
            result = first / second
        case _:
            raise NotLiteralError(text_of(node))
    # Larger numbers are valid for no setting, and their products could take very long.
    if not abs(result) <= _LARGEST:
        raise NotLiteralError(text_of(node))
    return result
