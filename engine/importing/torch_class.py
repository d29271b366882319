"""Reads a class of ``nn.Module`` whose ``forward`` applies one module after the other."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.class_init import Init, bound, calls_of
from cnn_tui.engine.importing.functions import FUNCTIONS, RESHAPES, applied
from cnn_tui.engine.importing.literals import NotLiteralError
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.torch_source import SHARED, TorchSource
from cnn_tui.engine.specs.wording import plain

_CHAIN = "Only a chain can be imported: each line applies modules to the value of the one before."
_BATCH = -1
"""Stands for the number of images, in place of a value of the chain."""


def module_classes(source: TorchSource) -> dict[str, ast.ClassDef]:
    """Return the classes of modules with a ``forward`` by their names; not those of an export."""
    return {
        node.name: node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and node.name not in source.own
        and "forward" in _methods(node)
        and any(source.meaning(base).endswith("Module") for base in node.bases)
    }


def class_chain(source: TorchSource, node: ast.ClassDef) -> tuple[ImportedModule, tuple[str, ...]]:
    """Return the modules that ``forward`` applies, in order, and remarks about the rest.

    Raises:
        SpecError: if it is no chain, or a module is not made by a literal call.
    """
    calls = calls_of(source.tree, node.name)
    init = _methods(node).get("__init__")
    each = [bound(source, init, call) for call in calls] or [bound(source, init, None)]
    for call, names in zip(calls, each, strict=False):
        if names != each[0]:
            lines = f"lines {calls[0].lineno} and {call.lineno}"
            text = f"{source.where}: {plain(node.name)} is made with other arguments in {lines}."
            raise SpecError(text, "Leave one of them.")
    chain = _Chain(source, node, each[0])
    return ImportedModule("Sequential", source.where, parts=chain.read()), chain.notes


def _methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}


class _Chain:
    """The modules applied so far.

    A value is the number of modules that made it: only the latest one may be used.
    """

    def __init__(
        self, source: TorchSource, node: ast.ClassDef, names: Mapping[str, object]
    ) -> None:
        self._class, self._methods = node, _methods(node)
        self._init = Init(source, self._methods.get("__init__"), names)
        self._source = source.within(self._init.names)
        self._parts: list[ImportedModule] = []
        self._used = dict[str, ImportedModule]()
        self._entered: list[str] = []
        self._remarks: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Modules that were left out, and other differences."""
        unused = (
            f"{name} (line {line}) is not used in forward, and left out"
            for name, line in self._init.modules()
            if name not in self._used
        )
        return (*dict.fromkeys(self._remarks), *map(plain, unused))

    def read(self) -> tuple[ImportedModule, ...]:
        """Follow ``forward``."""
        self._enter("forward", self._class.name)
        return tuple(self._parts)

    def _enter(self, name: str, where: str) -> int:
        """Follow a method that is given the present value; returns its result."""
        method = self._methods[name]
        inputs = method.args.args[1:]
        required = len(inputs) - len(method.args.defaults)
        if name in self._entered:
            raise self._refused(method, f"{where} calls itself")
        if not inputs or required > 1:
            raise self._refused(method, f"{name} takes {len(inputs)} inputs instead of one")
        self._entered.append(name)
        result = self._follow(method.body, {inputs[0].arg: len(self._parts)})
        self._entered.pop()
        if result is None:
            raise self._refused(method, f"{name} returns nothing")
        return result

    def _follow(self, body: Sequence[ast.stmt], values: dict[str, int]) -> int | None:
        for line in body:
            match line:
                case ast.Return(value=ast.expr() as value):
                    return self._value(value, values)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    values[name] = self._assigned(value, values)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    values[name] = self._assigned(value, values)
                case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Assert():
                    pass
                case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
                    pass
                case _:
                    raise self._refused(line, f"{self._entered[-1]} has {_kind(line)}")
        return None

    def _assigned(self, node: ast.expr, values: Mapping[str, int]) -> int:
        return _BATCH if self._is_batch(node, values) else self._value(node, values)

    def _value(self, node: ast.expr, values: Mapping[str, int]) -> int:
        """Apply what an expression applies to the present value; returns the new one."""
        match node:
            case ast.Name(id=name) if name in values:
                if values[name] != len(self._parts):
                    why = f"uses {plain(name)} again after it went through other modules"
                    raise self._source.error(node, why, _CHAIN)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                self._value(self._only(node), values)
                self._own(node, name)
            case ast.Call(func=ast.Call() as made):
                self._value(self._only(node), values)
                self._parts.append(self._source.part(made, ""))
            case ast.Call():
                self._function(node, values)
            case ast.BinOp():
                raise self._source.error(node, "joins two values", _CHAIN)
            case ast.Tuple():
                raise self._source.error(node, "is more than one value", _CHAIN)
            case _:
                raise self._source.error(node, "is no module applied to a value", _CHAIN)
        return len(self._parts)

    def _only(self, node: ast.Call) -> ast.expr:
        if len(node.args) == 1 and not node.keywords:
            return node.args[0]
        raise self._source.error(node, "is not applied to exactly one value", _CHAIN)

    def _own(self, node: ast.Call, name: str) -> None:
        """Apply ``self.name``, a method or a module."""
        if name in self._methods:
            self._enter(name, self._source.at(node))
            return
        made = self._init.made(name)
        if isinstance(made, str):
            raise self._source.error(node, made)
        part = self._inner(made) or self._source.part(made, name)
        if name in self._used and part.has_weights:
            raise self._source.error(node, SHARED)
        self._used[name] = part
        self._parts.append(part)

    def _inner(self, made: ast.expr) -> ImportedModule | None:
        """The chain of another class of the file; None if ``made`` makes no object of one."""
        classes = module_classes(self._source)
        if not isinstance(made, ast.Call) or self._source.meaning(made.func) not in classes:
            return None
        inner = classes[self._source.meaning(made.func)]
        if inner.lineno >= self._class.lineno:
            raise self._source.error(made, "is a class that is defined only later")
        names = bound(self._source, _methods(inner).get("__init__"), made)
        chain = _Chain(self._source, inner, names)
        part = ImportedModule("Sequential", self._source.at(made), parts=chain.read())
        self._remarks += chain.notes
        return part

    def _function(self, node: ast.Call, values: Mapping[str, int]) -> None:
        """Apply a function of PyTorch, or a method of the value."""
        meaning, arguments = self._source.meaning(node.func), node.args
        name = meaning.rpartition(".")[2]
        if meaning.startswith("torch."):
            self._value(self._input(node), values)
            arguments = arguments[1:]
        elif isinstance(node.func, ast.Attribute):
            self._value(node.func.value, values)
        else:
            raise self._source.error(node, "is no function of PyTorch", _CHAIN)
        where = self._source.at(node)
        if name in RESHAPES:
            self._parts.append(self._flattened(node, arguments, values))
        elif name not in FUNCTIONS:
            self._parts.append(ImportedModule(name, where, known=False))
        else:
            self._parts += applied(name, where, self._settings(node, name, arguments))

    def _input(self, node: ast.Call) -> ast.expr:
        if node.args:
            return node.args[0]
        raise self._source.error(node, "is applied to nothing", _CHAIN)

    def _settings(
        self, node: ast.Call, name: str, arguments: Sequence[ast.expr]
    ) -> dict[str, object]:
        """The literal arguments; ``training`` may be that of the module."""
        keywords = [word for word in node.keywords if not _is_training(word.value)]
        plain_ones = [argument for argument in arguments if not _is_training(argument)]
        asks = len(plain_ones) + len(keywords) < len(arguments) + len(node.keywords)
        if name == "dropout" and not asks:
            self._remarks.append(
                f"line {node.lineno}: without training=self.training this dropout also drops when "
                "the network is used; here it does not"
            )
        stripped = ast.copy_location(ast.Call(node.func, plain_ones, keywords), node)
        return self._source.settings(stripped, FUNCTIONS[name][1])

    def _flattened(
        self, node: ast.Call, arguments: Sequence[ast.expr], values: Mapping[str, int]
    ) -> ImportedModule:
        shape = arguments
        if len(shape) == 1 and isinstance(shape[0], ast.Tuple | ast.List):
            shape = shape[0].elts
        if len(shape) != 2 or not (self._is_batch(shape[0], values) or self._is_rest(shape[0])):
            raise self._source.error(node, "does not flatten to (-1, n): no counterpart")
        return ImportedModule("Flatten", self._source.at(node))

    def _is_rest(self, node: ast.expr) -> bool:
        try:
            return self._source.value(node) == -1
        except NotLiteralError:
            return False

    def _is_batch(self, node: ast.expr, values: Mapping[str, int]) -> bool:
        """Whether it is the number of images: ``x.size(0)``, ``x.shape[0]`` or ``len(x)``."""
        match node:
            case ast.Name(id=name):
                return values.get(name) == _BATCH
            case ast.Call(func=ast.Attribute(attr="size"), args=[ast.Constant(value=0)]):
                return True
            case ast.Subscript(value=ast.Attribute(attr="shape"), slice=ast.Constant(value=0)):
                return True
            case ast.Call(func=ast.Name(id="len")):
                return True
        return False

    def _refused(self, node: ast.stmt, why: str) -> SpecError:
        return SpecError(f"{self._source.where}, line {node.lineno}: {plain(why)}.", _CHAIN)


def _is_training(node: ast.expr) -> bool:
    return ast.unparse(node) == "self.training"


def _kind(line: ast.stmt) -> str:
    """The first words of a statement: ``'if self.deep'``."""
    first = ast.unparse(line).partition("\n")[0].rstrip(":")
    return f"'{first if len(first) <= 40 else first[:40] + '...'}'"
