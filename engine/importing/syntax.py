"""Small questions about syntax trees of Python."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def shorter_call(node: ast.Call, arguments: Sequence[ast.expr]) -> ast.Call:
    """Return the same call with other positional arguments."""
    return ast.copy_location(ast.Call(node.func, list(arguments), node.keywords), node)


def method_name(node: ast.Call) -> str:
    """Return ``relu`` for ``(...).relu()``; empty for a function."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def is_training(node: ast.AST) -> bool:
    """Whether an expression is ``self.training``."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr="training"):
            return True
    return False


def first_words(line: ast.stmt) -> str:
    """Return the beginning of a statement: ``'if self.deep'``."""
    first = ast.unparse(line).partition("\n")[0].rstrip(":")
    return f"'{first if len(first) <= 40 else first[:40] + '...'}'"


def calls_of(tree: ast.Module, name: str) -> list[ast.Call]:
    """Return the calls that make an object of a class."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def methods_of(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """Return the methods of a class by their names."""
    return {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}


def assigned_names(line: ast.stmt) -> set[str]:
    """Return the variables and attributes that a statement may set, as ``name``, ``self.name``."""
    names = set()
    for node in ast.walk(line):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(ast.unparse(node))
        elif isinstance(node, ast.Call) and method_name(node) in ("append", "extend"):
            names.add(ast.unparse(node.func).rpartition(".")[0])
    return names
