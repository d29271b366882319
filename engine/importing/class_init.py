"""Follows ``__init__`` of a class of PyTorch, as far as literals decide it; nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.literals import NotLiteralError, constants
from cnn_tui.engine.importing.loops import loop_names
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.syntax import assigned_names, methods_of
from cnn_tui.engine.importing.torch_source import SEQUENTIAL, TorchSource
from cnn_tui.engine.specs.network import MAX_LAYERS

Names = dict[str, object]
"""Values of variables: literals, modules, lists, classes, or the error why the value is unknown."""
MakeObject = Callable[[ast.ClassDef, Sequence[object], Names, ast.Call], ImportedModule]
"""Follows another class of the file, made with these arguments."""
_LISTS = ("torch.nn.ModuleList", "list", "tuple")
_MOST_STEPS = 20_000


@dataclass(frozen=True)
class ClassRef:
    """A class or function as a value: ``block``, ``norm_layer``."""

    meaning: str


class ClassInit:
    """The attributes that ``__init__`` sets, given its arguments."""

    def __init__(
        self, source: TorchSource, node: ast.ClassDef, given: Names, make: MakeObject
    ) -> None:
        self._source, self._methods, self._make = source, methods_of(node), make
        self._classes = module_classes(source)
        self._functions = {
            part.name: part for part in source.tree.body if isinstance(part, ast.FunctionDef)
        }
        self._steps = 0
        self.attributes: Names = self._constants(node.name)
        """The value of ``self.name``."""
        self.lines: dict[str, int] = {}
        """The lines in which modules are set."""
        init = self._methods.get("__init__")
        if init is not None:
            self._follow(init.body, self.arguments(init, (), given))

    @property
    def literals(self) -> dict[str, object]:
        """The literal values of attributes, as ``self.name``."""
        return _literals({f"self.{name}": value for name, value in self.attributes.items()})

    def arguments(self, function: ast.FunctionDef, values: Sequence[object], words: Names) -> Names:
        """The values of the arguments of a function, defaults included."""
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        inside: Names = {}
        pairs = [*zip(names[::-1], function.args.defaults[::-1], strict=False)]
        for argument, default in zip(
            function.args.kwonlyargs, function.args.kw_defaults, strict=True
        ):
            pairs += [(argument.arg, default)] if default else []
        for name, default in pairs:
            inside[name] = self._known(default, {})
        return {**inside, **dict(zip(names, values, strict=False)), **words}

    def _follow(self, body: Sequence[ast.stmt], names: Names) -> object:
        """Follow statements up to a return, whose value is the result; None without one."""
        for line in body:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise SpecError(f"{self._source.where} takes more than {_MOST_STEPS:,} steps.")
            result: object = None
            match line:
                case ast.Return():
                    return self._value(line.value, names) if line.value else None
                case ast.If() | ast.For():
                    try:
                        result = self._branched(line, names)
                    except SpecError as error:
                        # What it would set is unknown; the reason is given where it is used.
                        for name in assigned_names(line):
                            self._set(name, error, names, line.lineno)
                case _:
                    self._statement(line, names)
            if result is not None:
                return result
        return None

    def _branched(self, line: ast.If | ast.For, names: Names) -> object:
        if isinstance(line, ast.If):
            chosen = line.body if self._literal(line.test, names) else line.orelse
            return self._follow(chosen, names)
        for item in self._items(line.iter, names):
            names |= loop_names(line.target, item)
            result = self._follow(line.body, names)
            if result is not None:
                return result
        return None

    def _items(self, node: ast.expr, names: Names) -> Sequence[Any]:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]):
                numbers = [self._literal(argument, names) for argument in arguments]
                bounds = [number for number in numbers if type(number) is int]
                if 0 < len(bounds) == len(numbers) < 4:
                    return range(*bounds)
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner]):
                return list(enumerate(self._few(self._items(inner, names), node)))
            case ast.Call(func=ast.Name(id="zip"), args=arguments):
                rows = [self._few(self._items(argument, names), node) for argument in arguments]
                return list(zip(*rows, strict=False))
            case _:
                items = self._value(node, names)
                if isinstance(items, list | tuple):
                    return items
        raise self._source.error(node, "is no range or list of literals")

    def _few(self, items: Sequence[Any], node: ast.expr) -> Sequence[Any]:
        if len(items) > MAX_LAYERS:
            raise self._source.error(node, f"has more than {MAX_LAYERS:,} entries")
        return items

    def _statement(self, line: ast.stmt, names: Names) -> None:
        match line:
            case ast.Assign(targets=targets, value=value):
                known = self._known(value, names)
                for target in targets:
                    self._assign(target, known, value, names)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, self._known(value, names), value, names)
            case ast.AugAssign(target=target, op=op, value=value):
                both = ast.copy_location(ast.BinOp(target, op, value), line)
                self._assign(target, self._known(both, names), value, names)
            case ast.Expr(ast.Call(ast.Attribute(held, "append" | "extend" as how), [item], [])):
                into, found = self._known(held, names), self._known(item, names)
                if isinstance(into, list):
                    into += found if how == "extend" and isinstance(found, list) else [found]
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("self"), "add_module"), [key, item])):
                self._set(f"self.{self._known(key, names)}", self._known(item, names), names, 0)

    def _assign(self, target: ast.expr, known: object, node: ast.expr, names: Names) -> None:
        if isinstance(target, ast.Tuple) and isinstance(known, list | tuple):
            for inner, part in zip(target.elts, known, strict=False):
                self._assign(inner, part, node, names)
            return
        name = ast.unparse(target)
        is_new = isinstance(known, ImportedModule) and isinstance(node, ast.Call)
        if is_new and name.startswith("self."):
            known = replace(cast(ImportedModule, known), name=name.removeprefix("self."))
        self._set(name, known, names, node.lineno)

    def _set(self, name: str, known: object, names: Names, line: int) -> None:
        if name.startswith("self."):
            self.attributes[name.removeprefix("self.")] = known
            if isinstance(known, ImportedModule):
                self.lines[name.removeprefix("self.")] = line
        else:
            names[name] = known

    def _known(self, node: ast.expr, names: Names) -> object:
        """The value of an expression, or the error why it is unknown."""
        try:
            return self._value(node, names)
        except SpecError as error:
            return error

    def _literal(self, node: ast.expr, names: Names) -> object:
        try:
            return self._within(names).value(node)
        except NotLiteralError:
            raise self._source.error(node, "is not known from literals") from None

    def _within(self, names: Names) -> TorchSource:
        of_classes = {
            f"{name}.{attribute}": value
            for name, held in names.items()
            if isinstance(held, ClassRef)
            for attribute, value in self._constants(held.meaning).items()
        }
        return self._source.within({**_literals(names), **self.literals, **of_classes})

    def _constants(self, name: str) -> Names:
        """The literals that a class of the file has in its body, such as ``expansion = 4``."""
        node = self._classes.get(name)
        return constants(ast.Module(node.body, [])) if node else {}

    def _value(self, node: ast.expr, names: Names) -> object:
        match node:
            case ast.Lambda():
                hint = "Assign the module itself, such as nn.ReLU()."
                raise self._source.error(node, "is a function of its own", hint)
            case ast.Name(id=name) if name in names:
                return _raised(names[name])
            case ast.Attribute(ast.Name("self"), name) if name in self.attributes:
                return _raised(self.attributes[name])
            case ast.List(elts=parts):
                return [part for item in parts for part in self._spread(item, names)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                first, second = self._value(left, names), self._value(right, names)
                if isinstance(first, list) and isinstance(second, list):
                    return self._few([*first, *second], node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if self._literal(test, names) else orelse, names)
            case ast.ListComp() | ast.GeneratorExp():
                return self._comprehended(node, names)
            case ast.Subscript(value=held, slice=at):
                several, index = self._value(held, names), self._literal(at, names)
                if isinstance(several, list | tuple) and isinstance(index, int):
                    return self._at(several, index, node)
            case ast.Call():
                return self._call(node, names)
            case ast.Name() | ast.Attribute():
                meaning = self._source.meaning(node)
                if meaning.startswith("torch.nn.") or meaning in {*self._classes, *self._functions}:
                    return ClassRef(meaning)
        return self._literal(node, names)

    def _at(self, several: Sequence[object], index: int, node: ast.expr) -> object:
        if not -len(several) <= index < len(several):
            raise self._source.error(node, f"is not one of {len(several)} values")
        return _raised(several[index])

    def _comprehended(self, node: ast.ListComp | ast.GeneratorExp, names: Names) -> list[object]:
        made: list[object] = []
        if len(node.generators) != 1 or node.generators[0].ifs:
            raise self._source.error(node, "is not a simple list of modules")
        loop = node.generators[0]
        for item in self._few(self._items(loop.iter, names), node):
            made.append(self._value(node.elt, {**names, **loop_names(loop.target, item)}))
        return made

    def _spread(self, node: ast.expr, names: Names) -> Sequence[object]:
        """The modules of an argument: several for ``*layers`` and an ``OrderedDict``."""
        match node:
            case ast.Starred(value=inner):
                return self._items(inner, names)
            case ast.Call(args=[ast.List(elts=items)]) if (
                self._source.meaning(node.func) == "collections.OrderedDict"
            ):
                return [self._entry(item, names) for item in items]
        return [self._value(node, names)]

    def _entry(self, node: ast.expr, names: Names) -> object:
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(key)), module]):
                made = self._value(module, names)
                return replace(made, name=key) if isinstance(made, ImportedModule) else made
        raise self._source.error(node, "is not a pair of a name and a module")

    def _call(self, node: ast.Call, names: Names) -> object:
        held = self._known(node.func, names)
        meaning = held.meaning if isinstance(held, ClassRef) else self._source.meaning(node.func)
        if meaning == SEQUENTIAL:
            parts = [part for argument in node.args for part in self._spread(argument, names)]
            return ImportedModule(
                "Sequential", self._source.at(node), parts=self._modules(parts, node)
            )
        if meaning in _LISTS:
            return list(self._few(self._items(node.args[0], names), node)) if node.args else []
        if meaning == "len":
            return len(self._items(node.args[0], names))
        function = self._functions.get(meaning) or self._methods.get(meaning.removeprefix("self."))
        if meaning in self._classes or function is not None:
            values = [part for value in node.args for part in self._spread(value, names)]
            words = {word.arg or "": self._known(word.value, names) for word in node.keywords}
            if meaning in self._classes:
                return self._make(self._classes[meaning], values, words, node)
            assert function is not None, "it is no class"
            return self._follow(function.body, self.arguments(function, values, words))
        named = ast.parse(meaning or "f", mode="eval").body
        call = ast.Call(ast.copy_location(named, node), node.args, node.keywords)
        return self._within(names).part(ast.copy_location(call, node), "")

    def _modules(self, parts: Sequence[object], node: ast.Call) -> tuple[ImportedModule, ...]:
        for part in parts:
            if isinstance(part, SpecError):
                raise part
            if not isinstance(part, ImportedModule):
                raise self._source.error(node, "holds what is no module")
        return tuple(part for part in parts if isinstance(part, ImportedModule))


def _raised(value: object) -> object:
    if isinstance(value, SpecError):
        raise value
    return value


def _literals(names: Mapping[str, object]) -> dict[str, object]:
    """The literals among values; a module stands for what is true, and not None."""
    known: dict[str, object] = {}
    for name, value in names.items():
        if isinstance(value, ImportedModule | ClassRef):
            known[name] = "a module"
        elif not isinstance(value, SpecError):
            literal = tuple(value) if isinstance(value, list) else value
            parts = literal if isinstance(literal, tuple) else ()
            if not any(isinstance(part, ImportedModule | ClassRef | SpecError) for part in parts):
                known[name] = literal
    return known


def bound(
    source: TorchSource, init: ast.FunctionDef | None, call: ast.Call | None
) -> dict[str, object]:
    """Return what a call gives to ``__init__``, by the names of the arguments.

    Classes are given as such; what is neither a class nor a literal is left out.
    """
    if init is None or call is None:
        return {}
    names = [argument.arg for argument in init.args.args[1:]]
    given = dict(zip(names, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    classes, values = module_classes(source), dict[str, object]()
    for name, node in given.items():
        try:
            values[name] = source.value(node)
        except NotLiteralError:
            meaning = source.meaning(node)
            if meaning in classes or meaning.startswith("torch.nn."):
                values[name] = ClassRef(meaning)
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
