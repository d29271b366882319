"""Finds classes of PyTorch modules, and reads what ``__init__`` sets."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from cnn_tui.engine.importing.literals import NotLiteralError
from cnn_tui.engine.importing.torch_source import TorchSource


class Init:
    """The attributes that ``__init__`` sets, given the literal values of its arguments."""

    def __init__(
        self, source: TorchSource, init: ast.FunctionDef | None, names: Mapping[str, object]
    ) -> None:
        self._source = source
        self._made: dict[str, list[ast.expr]] = {}
        self.names = dict(names)
        """The literal values of arguments, variables and attributes."""
        for node in ast.walk(init) if init else ():
            for name, value in _targets(node):
                self._made.setdefault(name, []).append(value)
        for name, values in self._made.items():
            if len(values) == 1:
                self._learn(name, values[0])

    def _learn(self, name: str, value: ast.expr) -> None:
        try:
            self.names[name] = self._source.within(self.names).value(value)
        except NotLiteralError:
            self.names.pop(name, None)

    def made(self, name: str) -> ast.expr | str:
        """Return what makes ``self.name``, or the reason why that is unknown."""
        values = self._made.get(f"self.{name}", ())
        if len(values) == 1:
            return values[0]
        return "is set more than once in __init__" if values else "is not set in __init__"

    def modules(self) -> Iterator[tuple[str, int]]:
        """Names and lines of the attributes that are modules of PyTorch."""
        for name, values in self._made.items():
            for value in values:
                if (
                    name.startswith("self.")
                    and isinstance(value, ast.Call)
                    and self._source.meaning(value.func).startswith("torch.nn.")
                ):
                    yield name.removeprefix("self."), value.lineno


def _targets(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The variables and attributes that a statement sets, as ``name`` and ``self.name``."""
    targets: list[ast.expr] = []
    match node:
        case ast.Assign(value=value):
            targets += node.targets
        case ast.AnnAssign(value=ast.expr() as value):
            targets.append(node.target)
        case _:
            return
    for target in targets:
        match target:
            case ast.Name(id=name):
                yield name, value
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                yield f"self.{name}", value


def bound(
    source: TorchSource, init: ast.FunctionDef | None, call: ast.Call | None
) -> dict[str, object]:
    """Return the literal arguments of ``__init__``: its defaults, and those of a call."""
    if init is None:
        return {}
    names = [argument.arg for argument in init.args.args[1:]]
    given = dict(zip(reversed(names), reversed(init.args.defaults), strict=False))
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        if default is not None:
            given[argument.arg] = default
    if call is not None:
        given |= zip(names, call.args, strict=False)
        given |= {word.arg: word.value for word in call.keywords if word.arg}
    values: dict[str, object] = {}
    for name, node in given.items():
        try:
            values[name] = source.value(node)
        except NotLiteralError:
            continue
    return values


def module_classes(source: TorchSource) -> dict[str, ast.ClassDef]:
    """Return the classes of modules with a ``forward`` by their names; not those of an export."""
    return {
        node.name: node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and node.name not in source.own
        and "forward" in methods_of(node)
        and any(source.meaning(base).endswith("Module") for base in node.bases)
    }


def methods_of(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """Return the methods of a class by their names."""
    return {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
