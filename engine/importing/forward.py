"""Follows the ``forward`` of a class of ``nn.Module``: modules applied to values, values joined."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import cast

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.class_init import ClassInit, Names
from cnn_tui.engine.importing.functions import FUNCTIONS, RESHAPES, applied
from cnn_tui.engine.importing.literals import NotLiteralError
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.syntax import (
    first_words,
    is_training,
    method_name,
    methods_of,
    shorter_call,
)
from cnn_tui.engine.importing.torch_calls import CallReader, Known, Values
from cnn_tui.engine.importing.torch_source import SHARED, TorchSource
from cnn_tui.engine.importing.torch_values import Value, joined, parts_to
from cnn_tui.engine.specs.layers import MAX_BRANCHES, Merge
from cnn_tui.engine.specs.wording import plain

_CHAIN = "Each line of forward applies modules to values, or joins them by torch.cat, + or *."
_COUNTS = {0: "none", 1: "one", 2: "two", 3: "three"}
_CHANNELS = (1, -3)
"""The dimension of the channels, counted from either end."""
_CONCATENATIONS = ("torch.cat", "torch.concat", "torch.concatenate")
_OPERATORS: dict[str, Merge] = {"add": "add", "mul": "multiply", "multiply": "multiply"}

_NO_MODULE = "is not a single module"


class ClassForward:
    """Follows ``forward``, and what is made of its input."""

    def __init__(self, source: TorchSource, node: ast.ClassDef, given: Names) -> None:
        self._class, self._methods = node, methods_of(node)
        self._source_of, self._remarks = source, list[str]()
        self._init = ClassInit(source, node, given, self._inner)
        self._source = source.within(self._init.literals)
        self._calls = CallReader(self._source)
        self._used = set[int]()
        self._entered: list[str] = []

    def read(self) -> tuple[ImportedModule, ...]:
        """Return the modules between the input and the result of ``forward``."""
        parts = parts_to(self._enter("forward", self._class.name, [Value()]))
        reached = {id(part) for part in chain.from_iterable(part.every() for part in parts)}
        modules = self._init.attributes
        unused = (
            f"{name} (line {line}) is not used in what forward returns, and left out"
            for name, line in self._init.lines.items()
            if not {id(modules[name]), *self._parts_of(modules[name])} & reached
        )
        self.notes = (*dict.fromkeys([*self._remarks, *self._calls.remarks]), *map(plain, unused))
        return parts

    def _parts_of(self, module: object) -> set[int]:
        inner = module.every() if isinstance(module, ImportedModule) else ()
        return {id(part) for part in inner}

    def _enter(self, name: str, where: str, given: Sequence[Value]) -> Value:
        """Follow a method; returns its result."""
        method = self._methods[name]
        inputs = method.args.args[1:]
        required = len(inputs) - len(method.args.defaults)
        if name in self._entered:
            raise self._refused(method, f"{where} calls itself")
        if not required <= len(given) <= len(inputs):
            why = f"{name} takes {len(inputs)} inputs instead of {_COUNTS.get(len(given), 'more')}"
            raise self._refused(method, why)
        self._entered.append(name)
        values: Values = {word.arg: value for word, value in zip(inputs, given, strict=False)}
        result = self._follow(method.body, values)
        self._entered.pop()
        if result is None:
            raise self._refused(method, f"{name} returns nothing")
        return result

    def _follow(self, body: Sequence[ast.stmt], values: Values) -> Value | None:
        """Follow statements up to a return, whose value is the result."""
        for line in body:
            match line:
                case ast.Return(value=ast.expr() as value):
                    return self._value(value, values)
                case ast.If():
                    result = self._follow(self._chosen(line, values), values)
                    if result is not None:
                        return result
                case ast.For(target=ast.Name(id=name), iter=ast.Attribute(ast.Name("self"), held)):
                    for part in self._held(line.iter, held):
                        values[name] = part
                        if (result := self._follow(line.body, values)) is not None:
                            return result
                case _:
                    self._statement(line, values)
        return None

    def _statement(self, line: ast.stmt, values: Values) -> None:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = self._assigned(value, values)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values[name] = self._assigned(value, values)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=value):
                self._unpack(names, value, values)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                both = ast.copy_location(ast.BinOp(ast.Name(name), op, value), line)
                ast.copy_location(both.left, target)
                values[name] = self._value(both, values)
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "append"), [item], [])) if (
                isinstance(values.get(name), list)
            ):
                values[name] = [*self._several(ast.Name(name), values), self._value(item, values)]
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Assert():
                pass
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
                pass
            case _:
                raise self._refused(line, f"{self._entered[-1]} has {first_words(line)}")

    def _chosen(self, line: ast.If, values: Values) -> Sequence[ast.stmt]:
        """The statements of an ``if`` whose condition is known."""
        training = any(is_training(node) for node in ast.walk(line.test))
        names: dict[str, object] = {"self.training": False}
        try:
            holds = self._source.within({**self._init.literals, **names}).value(line.test)
        except NotLiteralError:
            raise self._refused(line, f"{self._entered[-1]} has {first_words(line)}") from None
        if training:
            text = f"line {line.lineno}: what forward does only in training is left out"
            self._remarks.append(text)
        return line.body if holds else line.orelse

    def _assigned(self, node: ast.expr, values: Values) -> Known:
        if self._calls.is_batch(node, values):
            return "batch"
        if isinstance(node, ast.List | ast.Tuple):
            return self._several(node, values)
        return self._value(node, values)

    def _several(self, node: ast.expr, values: Values) -> list[Value]:
        """The values of a list, or of a variable that holds one."""
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self._value(item, values) for item in items]
            case ast.Name(id=name) if isinstance(values.get(name), list):
                return cast(list[Value], values[name])
        raise self._source.error(node, "is not a list of values", _CHAIN)

    def _unpack(self, names: Sequence[ast.expr], node: ast.expr, values: Values) -> None:
        """Assign the sizes of a value, or the equal shares of its channels."""
        targets = [name.id for name in names if isinstance(name, ast.Name)]
        made: Sequence[Known]
        sizes: list[Known] = ["batch"]
        match node:
            case ast.Call(func=ast.Attribute(attr="size"), args=[]) | ast.Attribute(attr="shape"):
                sizes += ["size"] * (len(names) - 1)
                made = sizes
            case ast.Call(func=ast.Attribute(attr="chunk")):
                made = self._shares(node, values)
            case ast.Call() if self._is_unknown(node):
                made = [self._value(node, values)] * len(names)
            case _:
                made = self._several(node, values)
        if not len(targets) == len(names) == len(made):
            raise self._source.error(node, f"is not {len(names)} values", _CHAIN)
        values.update(zip(targets, made, strict=True))

    def _is_unknown(self, node: ast.Call) -> bool:
        """Whether a module without a counterpart is applied, such as one that gives two values.

        All of those are told at the end, whatever becomes of their values.
        """
        match node.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                made = self._init.attributes.get(name)
                return isinstance(made, ImportedModule) and not made.known
        return False

    def _shares(self, node: ast.Call, values: Values) -> list[Value]:
        """The values of ``x.chunk(2, dim=1)`` or ``torch.chunk(x, 2, dim=1)``."""
        given, arguments = self._operands(node, values)
        settings = self._source.settings(shorter_call(node, arguments), ("chunks", "dim"))
        count = settings.get("chunks")
        if settings.get("dim") not in _CHANNELS or not isinstance(count, int) or count < 1:
            raise self._source.error(node, "does not split the channels into equal shares", _CHAIN)
        return given.shares(min(count, MAX_BRANCHES), self._source.at(node))

    def _value(self, node: ast.expr, values: Values) -> Value:
        """Return what an expression makes of the values before it."""
        match node:
            case ast.Name(id=name) if isinstance(values.get(name), Value):
                return cast(Value, values[name])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                return self._own(node, name, values)
            case ast.Call(func=ast.Name(id=name)) if isinstance(values.get(name), ImportedModule):
                return self._through(cast(ImportedModule, values[name]), node, values)
            case ast.Call(func=ast.Subscript(ast.Attribute(ast.Name("self"), name), at)):
                return self._through(self._held(node, name)[self._number(at)], node, values)
            case ast.Subscript(value=ast.Call() as call) if self._is_unknown(call):
                return self._value(call, values)
            case ast.Call(func=ast.Call() as made):
                return self._only(node, values).then(self._source.part(made, ""))
            case ast.Call():
                return self._function(node, values)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], "add", node, values)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self._joined([left, right], "multiply", node, values)
            case ast.BinOp():
                raise self._source.error(node, "joins values by other than + or *", _CHAIN)
            case ast.Tuple():
                raise self._source.error(node, "is more than one value", _CHAIN)
        raise self._source.error(node, "is no module applied to a value", _CHAIN)

    def _number(self, node: ast.expr) -> int:
        with suppress(NotLiteralError):
            number = self._source.value(node)
            if type(number) is int and number >= 0:
                return number
        raise self._source.error(node, "is not the number of a module", _CHAIN)

    def _joined(
        self, nodes: Sequence[ast.expr], merge: Merge, node: ast.expr, values: Values
    ) -> Value:
        return joined([self._value(one, values) for one in nodes], merge, self._source.at(node))

    def _only(self, node: ast.Call, values: Values) -> Value:
        if len(node.args) == 1 and not node.keywords:
            return self._value(node.args[0], values)
        raise self._source.error(node, "is not applied to exactly one value", _CHAIN)

    def _own(self, node: ast.Call, name: str, values: Values) -> Value:
        """Apply ``self.name``, a method or a module."""
        if name in self._methods:
            given = [self._value(argument, values) for argument in node.args]
            return self._enter(name, self._source.at(node), given)
        made = self._init.attributes.get(name)
        if isinstance(made, SpecError):
            raise made
        if not isinstance(made, ImportedModule):
            raise self._source.error(node, "is not set in __init__" if made is None else _NO_MODULE)
        return self._through(made, node, values)

    def _through(self, part: ImportedModule, node: ast.Call, values: Values) -> Value:
        """Apply a module that ``__init__`` made."""
        if not part.known and node.args:
            return self._value(node.args[0], values).then(part)
        before = self._only(node, values)
        if id(part) in self._used and part.has_weights:
            raise self._source.error(node, SHARED)
        self._used.add(id(part))
        return before.then(part)

    def _held(self, node: ast.expr, name: str) -> Sequence[ImportedModule]:
        """The modules of a list or a Sequential that ``__init__`` made."""
        made = self._init.attributes.get(name)
        if isinstance(made, SpecError):
            raise made
        parts = made.parts if isinstance(made, ImportedModule) else made
        if isinstance(parts, list | tuple) and all(isinstance(p, ImportedModule) for p in parts):
            return parts
        raise self._source.error(node, "is no list of modules", _CHAIN)

    def _inner(
        self, inner: ast.ClassDef, given: Sequence[object], words: Names, node: ast.Call
    ) -> ImportedModule:
        """The forward pass of an object of another class of the file."""
        if inner.lineno >= self._class.lineno:
            raise self._source_of.error(node, "is a class that is defined only later")
        init = methods_of(inner).get("__init__")
        names = [argument.arg for argument in init.args.args[1:]] if init else []
        flow = ClassForward(
            self._source_of, inner, {**dict(zip(names, given, strict=False)), **words}
        )
        part = ImportedModule("Sequential", self._source_of.at(node), parts=flow.read())
        self._remarks += flow.notes
        return part

    def _operands(self, node: ast.Call, values: Values) -> tuple[Value, Sequence[ast.expr]]:
        """The value that a function or method is applied to, and its other arguments."""
        if self._source.meaning(node.func).startswith("torch."):
            if node.args:
                return self._value(node.args[0], values), node.args[1:]
            raise self._source.error(node, "is applied to nothing", _CHAIN)
        if isinstance(node.func, ast.Attribute):
            return self._value(node.func.value, values), node.args
        raise self._source.error(node, "is no function of PyTorch", _CHAIN)

    def _function(self, node: ast.Call, values: Values) -> Value:
        """Apply a function of PyTorch, or a method of the value."""
        meaning, where = self._source.meaning(node.func), self._source.at(node)
        name = meaning.rpartition(".")[2] or method_name(node)
        if meaning in _CONCATENATIONS:
            return self._concatenated(node, values)
        if name in _OPERATORS and (operands := self._both(node)):
            return self._joined(operands, _OPERATORS[name], node, values)
        given, arguments = self._operands(node, values)
        if name == "expand_as":  # a product does so by itself
            return given
        if name in RESHAPES:
            return given.then(self._calls.reshaped(node, arguments, values))
        if name not in FUNCTIONS:
            return given.then(ImportedModule(name, where, known=False))
        for part in applied(name, where, self._calls.settings(node, name, arguments)):
            given = given.then(part)
        return given

    def _both(self, node: ast.Call) -> list[ast.expr]:
        """The two operands of ``torch.add(x, y)`` or ``x.add(y)``."""
        if self._source.meaning(node.func).startswith("torch."):
            operands = list(node.args)
        else:
            operands = [cast(ast.Attribute, node.func).value, *node.args]
        return operands if len(operands) == 2 and not node.keywords else []

    def _concatenated(self, node: ast.Call, values: Values) -> Value:
        if not node.args:
            raise self._source.error(node, "is applied to nothing", _CHAIN)
        given = self._several(node.args[0], values)
        settings = self._source.settings(shorter_call(node, node.args[1:]), ("dim",))
        if settings.get("dim", 0) not in _CHANNELS or not given:
            raise self._source.error(node, "does not concatenate channels (dim=1)", _CHAIN)
        return joined(given, "concat", self._source.at(node))

    def _refused(self, node: ast.stmt, why: str) -> SpecError:
        return SpecError(f"{self._source.where}, line {node.lineno}: {plain(why)}.", _CHAIN)
