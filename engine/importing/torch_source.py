"""Reads modules of PyTorch from Python source, which is parsed and never run."""

from __future__ import annotations

import ast
import copy
import warnings
from collections.abc import Iterator, Mapping

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.own_modules import OWN
from cnn_tui.engine.export.pytorch import RESIDUAL, ZERO_PAD
from cnn_tui.engine.importing.literals import NotLiteralError, constants, text_of, value_of
from cnn_tui.engine.importing.modules import SIGNATURES, ImportedModule
from cnn_tui.engine.importing.result import Size
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.wording import plain

_USUAL = {
    "torch": "torch",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "OrderedDict": "collections.OrderedDict",
    "collections": "collections",
}
"""The meaning of names that a file does not import, such as a snippet."""
SEQUENTIAL, _ORDERED = "torch.nn.Sequential", ("collections.OrderedDict", "dict")
_OWN = {"Residual": RESIDUAL, "ZeroPad": ZERO_PAD, **OWN}
SHARED = "is used twice and shares its weights: no counterpart"
_WRITTEN_OUT = "Write modules as calls with literal arguments, such as nn.Conv2d(1, 6, 5)."


class TorchSource:
    """A file of Python source.

    Raises:
        SpecError: if the file is not valid Python.
    """

    def __init__(self, text: str, where: str) -> None:
        self.where, self.tree = where, _parsed(text, where)
        self._imports = {**_USUAL, **dict(_imports(self.tree))}
        self._constants = constants(self.tree)
        self.variables = _assigned(self.tree)
        self.own = {
            node.name for node in self.tree.body if isinstance(node, ast.ClassDef) and _is_own(node)
        }
        self._taken = set[int]()
        self._count = 0

    @property
    def input(self) -> Size | None:
        """The image size in the constant ``INPUT``, which cnn-tui exports; None without it."""
        match self._constants.get("INPUT"):
            case (int(channels), int(height), int(width)):
                return channels, height, width
        return None

    def within(self, names: Mapping[str, object]) -> TorchSource:
        """Return the same file, seen from where ``names`` have these literal values as well."""
        inner = copy.copy(self)
        inner._constants = {**self._constants, **names}
        return inner

    def meaning(self, node: ast.expr) -> str:
        """The full name of a function: ``nn.Conv2d`` is ``torch.nn.Conv2d``."""
        match node:
            case ast.Name(id=name):
                return self._imports.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                return f"{self.meaning(value)}.{attr}"
        return ""

    def part(self, node: ast.expr, name: str) -> ImportedModule:
        """Return the module that a literal call makes.

        Raises:
            SpecError: if it is no literal call, or its weights are shared.
        """
        self._count += 1
        if self._count > MAX_LAYERS:
            raise SpecError(f"{self.where} has more than {MAX_LAYERS} modules.")
        if isinstance(node, ast.Name) and node.id in self.variables:
            node = self.variables[node.id]
            part = self.part(node, name)
            if id(node) in self._taken and part.has_weights:
                raise self.error(node, SHARED)
            self._taken.add(id(node))
            return part
        if not isinstance(node, ast.Call):
            raise self.error(node, "is not a literal call", _WRITTEN_OUT)
        meaning = self.meaning(node.func)
        if meaning == SEQUENTIAL:
            return ImportedModule("Sequential", self.at(node), name=name, parts=self._inner(node))
        if meaning in self.own:
            return self._of_own_class(node, meaning, name)
        kind = meaning.removeprefix("torch.nn.")
        known = kind != meaning and kind in SIGNATURES and kind not in _OWN
        settings = self.settings(node, SIGNATURES[kind]) if known else {}
        return ImportedModule(kind or "?", self.at(node), settings, name, known=known)

    def _of_own_class(self, node: ast.Call, kind: str, name: str) -> ImportedModule:
        if kind != "Residual":
            settings = self.settings(node, SIGNATURES[kind])
            return ImportedModule(kind, self.at(node), settings, name)
        if len(node.args) != 2 or node.keywords:
            raise self.error(node, "needs exactly a branch and a shortcut")
        branch, shortcut = node.args
        parts = tuple(self.part(module, key) for key, module in self._ordered(branch))
        return ImportedModule(kind, self.at(node), {}, name, parts, self.part(shortcut, ""))

    def _inner(self, node: ast.Call) -> tuple[ImportedModule, ...]:
        if node.keywords:
            raise self.error(node, "has keyword arguments, which nn.Sequential does not take")
        if len(node.args) == 1 and self._is_ordered(node.args[0]):
            pairs = list(self._ordered(node.args[0]))
        else:
            pairs = [("", argument) for argument in node.args]
        return tuple(self.part(module, name) for name, module in pairs)

    def _is_ordered(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self.meaning(node.func) in _ORDERED

    def _ordered(self, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
        """The names and modules of an OrderedDict."""
        if not isinstance(node, ast.Call) or not self._is_ordered(node):
            raise self.error(node, "is not an OrderedDict with literal keys", _WRITTEN_OUT)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.error(node, "is not a literal call", _WRITTEN_OUT)
            yield keyword.arg, keyword.value
        for argument in node.args:
            match argument:
                case ast.List(elts=items) | ast.Tuple(elts=items):
                    yield from (self._entry(item) for item in items)
                case ast.Dict(keys=keys, values=values):
                    for key, module in zip(keys, values, strict=True):
                        yield self._key(key, module), module
                case _:
                    raise self.error(argument, "is not a literal call", _WRITTEN_OUT)

    def _entry(self, node: ast.expr) -> tuple[str, ast.expr]:
        match node:
            case ast.Tuple(elts=[key, module]) | ast.List(elts=[key, module]):
                return self._key(key, module), module
        raise self.error(node, "is not a pair of a name and a module")

    def _key(self, key: ast.expr | None, module: ast.expr) -> str:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
        raise self.error(key or module, "is not a literal name")

    def settings(self, node: ast.Call, names: tuple[str, ...]) -> dict[str, object]:
        """Return the literal arguments of a call by their ``names``.

        Raises:
            SpecError: if there are others, or one is not a literal.
        """
        if len(node.args) > len(names):
            raise self.error(node, f"has more than {len(names)} arguments")
        given = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names:
                raise self.error(node, f"has an unsupported argument {keyword.arg or '**'}")
            given[keyword.arg] = keyword.value
        try:
            return {name: self.value(value) for name, value in given.items()}
        except NotLiteralError as error:
            text = f"has the argument {plain(str(error))}, which is not a literal"
            raise self.error(node, text, "Write the value itself.") from None

    def value(self, node: ast.expr) -> object:
        """The value of a literal.

        Raises:
            NotLiteralError: if it is none.
        """
        return value_of(node, self._constants)

    def at(self, node: ast.expr) -> str:
        """The place of a node for messages: ``net.py, line 12: nn.Conv2d``."""
        what = text_of(node.func) if isinstance(node, ast.Call) else text_of(node)
        return f"{self.where}, line {node.lineno}: {plain(what)}"

    def error(self, node: ast.expr, why: str, remedy: str = "") -> SpecError:
        """Return the error that names the place of a node."""
        return SpecError(f"{self.at(node)} {why}.", remedy)


def _parsed(text: str, where: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise SpecError(f"{where}{line} is not Python: {plain(error.msg)}.") from None
    except (ValueError, RecursionError, MemoryError):
        raise SpecError(f"{where} is not valid Python.") from None


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each imported name with its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """The variables that are assigned once, to a call."""
    values: dict[str, ast.expr] = {}
    ambiguous = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                ambiguous |= {name} & values.keys()
                values[name] = value
    calls = {name: value for name, value in values.items() if isinstance(value, ast.Call)}
    return {name: call for name, call in calls.items() if name not in ambiguous}


def _is_own(node: ast.ClassDef) -> bool:
    """Whether a class is exactly one that a cnn-tui export defines."""
    own = _OWN.get(node.name)
    return own is not None and ast.dump(ast.parse(own).body[0]) == ast.dump(node)
