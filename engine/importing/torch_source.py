"""Reads an ``nn.Sequential`` from Python source, which is parsed and never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.pytorch import RESIDUAL, ZERO_PAD
from cnn_tui.engine.importing.literals import NotLiteralError, constants, text_of, value_of
from cnn_tui.engine.importing.modules import SIGNATURES, ImportedModule
from cnn_tui.engine.importing.result import Size
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.wording import listed, plain

_USUAL = {
    "torch": "torch",
    "nn": "torch.nn",
    "OrderedDict": "collections.OrderedDict",
    "collections": "collections",
}
"""The meaning of names that a file does not import, such as a snippet."""
_SEQUENTIAL, _ORDERED = "torch.nn.Sequential", ("collections.OrderedDict", "dict")
_OWN = {"Residual": RESIDUAL, "ZeroPad": ZERO_PAD}
_WRITTEN_OUT = "Write modules as calls with literal arguments, such as nn.Conv2d(1, 6, 5)."
_MOST_NAMED = 5


@dataclass(frozen=True)
class FoundNetwork:
    """An ``nn.Sequential`` in a file."""

    name: str
    """The name of the variable or function that holds it."""
    call: ast.Call


class TorchSource:
    """A file of Python source.

    Raises:
        SpecError: if the file is not valid Python.
    """

    def __init__(self, text: str, where: str) -> None:
        self._where, self._tree = where, _parsed(text, where)
        self._imports = {**_USUAL, **dict(_imports(self._tree))}
        self._constants = constants(self._tree)
        self._variables = _assigned(self._tree)
        self._own = {
            node.name
            for node in self._tree.body
            if isinstance(node, ast.ClassDef) and _is_own(node)
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

    def network(self, name: str) -> ImportedModule:
        """Return the network of this name, or the only one if the name is empty.

        Raises:
            SpecError: if there is none or several, or its modules are not literal calls.
        """
        networks = [net for net in self._networks() if not name or net.name == name]
        # A network that is used inside another one does not count.
        used = (n for net in networks for n in ast.walk(net.call) if isinstance(n, ast.Name))
        inside = {id(self._variables[n.id]) for n in used if n.id in self._variables}
        networks = [net for net in networks if id(net.call) not in inside]
        if not networks:
            raise self._none(name)
        if len(networks) > 1:
            shown = networks[:_MOST_NAMED]
            names = [f"{net.name or '?'} (line {net.call.lineno})" for net in shown]
            text = f"{self._where} has {len(networks)} networks: {plain(listed(names, 'and'))}."
            raise SpecError(text, "Choose one with --name.")
        return self._part(networks[0].call, "")

    def _none(self, name: str) -> SpecError:
        if name:
            names = sorted({net.name for net in self._networks() if net.name})
            hint = f"There are {plain(listed(names, 'and'))}." if names else ""
            return SpecError(f"{self._where} has no nn.Sequential named {plain(name)}.", hint)
        classes = [node for node in ast.walk(self._tree) if isinstance(node, ast.ClassDef)]
        why = (
            " outside a class; the forward method of a class cannot be imported" if classes else ""
        )
        return SpecError(
            f"{self._where} has no nn.Sequential{why}.", "Write the network as one nn.Sequential."
        )

    def _networks(self) -> Iterator[FoundNetwork]:
        yield from self._search(self._tree, "")

    def _search(self, node: ast.AST, name: str) -> Iterator[FoundNetwork]:
        match node:
            case ast.ClassDef():
                return
            case ast.FunctionDef():
                name = node.name
            case ast.Assign(targets=[ast.Name(id=target)]):
                name = target
            case ast.AnnAssign(target=ast.Name(id=target)):
                name = target
            case ast.Call() if self._meaning(node.func) == _SEQUENTIAL:
                yield FoundNetwork(name, node)
                return
        for child in ast.iter_child_nodes(node):
            yield from self._search(child, name)

    def _meaning(self, node: ast.expr) -> str:
        """The full name of a function: ``nn.Conv2d`` is ``torch.nn.Conv2d``."""
        match node:
            case ast.Name(id=name):
                return self._imports.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                return f"{self._meaning(value)}.{attr}"
        return ""

    def _part(self, node: ast.expr, name: str) -> ImportedModule:
        self._count += 1
        if self._count > MAX_LAYERS:
            raise SpecError(f"{self._where} has more than {MAX_LAYERS} modules.")
        if isinstance(node, ast.Name) and node.id in self._variables:
            node = self._variables[node.id]
            if id(node) in self._taken:
                raise self._error(node, "is used twice and shares its weights: no counterpart")
            self._taken.add(id(node))
        if not isinstance(node, ast.Call):
            raise self._error(node, "is not a literal call", _WRITTEN_OUT)
        meaning = self._meaning(node.func)
        if meaning == _SEQUENTIAL:
            return ImportedModule("Sequential", self._at(node), name=name, parts=self._inner(node))
        if meaning in self._own:
            return self._of_own_class(node, meaning, name)
        kind = meaning.removeprefix("torch.nn.")
        known = kind != meaning and kind in SIGNATURES and kind not in _OWN
        settings = self._settings(node, SIGNATURES[kind]) if known else {}
        return ImportedModule(kind or "?", self._at(node), settings, name, known=known)

    def _of_own_class(self, node: ast.Call, kind: str, name: str) -> ImportedModule:
        if kind == "ZeroPad":
            settings = self._settings(node, SIGNATURES[kind])
            return ImportedModule(kind, self._at(node), settings, name)
        if len(node.args) != 2 or node.keywords:
            raise self._error(node, "needs exactly a branch and a shortcut")
        branch, shortcut = node.args
        parts = tuple(self._part(module, key) for key, module in self._ordered(branch))
        return ImportedModule(kind, self._at(node), {}, name, parts, self._part(shortcut, ""))

    def _inner(self, node: ast.Call) -> tuple[ImportedModule, ...]:
        if node.keywords:
            raise self._error(node, "has keyword arguments, which nn.Sequential does not take")
        if len(node.args) == 1 and self._is_ordered(node.args[0]):
            pairs = list(self._ordered(node.args[0]))
        else:
            pairs = [("", argument) for argument in node.args]
        return tuple(self._part(module, name) for name, module in pairs)

    def _is_ordered(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self._meaning(node.func) in _ORDERED

    def _ordered(self, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
        """The names and modules of an OrderedDict."""
        if not isinstance(node, ast.Call) or not self._is_ordered(node):
            raise self._error(node, "is not an OrderedDict with literal keys", _WRITTEN_OUT)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._error(node, "is not a literal call", _WRITTEN_OUT)
            yield keyword.arg, keyword.value
        for argument in node.args:
            match argument:
                case ast.List(elts=items) | ast.Tuple(elts=items):
                    yield from (self._entry(item) for item in items)
                case ast.Dict(keys=keys, values=values):
                    for key, module in zip(keys, values, strict=True):
                        yield self._key(key, module), module
                case _:
                    raise self._error(argument, "is not a literal call", _WRITTEN_OUT)

    def _entry(self, node: ast.expr) -> tuple[str, ast.expr]:
        match node:
            case ast.Tuple(elts=[key, module]) | ast.List(elts=[key, module]):
                return self._key(key, module), module
        raise self._error(node, "is not a pair of a name and a module")

    def _key(self, key: ast.expr | None, module: ast.expr) -> str:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
        raise self._error(key or module, "is not a literal name")

    def _settings(self, node: ast.Call, names: tuple[str, ...]) -> dict[str, object]:
        if len(node.args) > len(names):
            raise self._error(node, f"has more than {len(names)} arguments")
        given = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names:
                raise self._error(node, f"has an unsupported argument {keyword.arg or '**'}")
            given[keyword.arg] = keyword.value
        try:
            return {name: value_of(value, self._constants) for name, value in given.items()}
        except NotLiteralError as error:
            text = f"has the argument {plain(str(error))}, which is not a literal"
            raise self._error(node, text, "Write the value itself.") from None

    def _at(self, node: ast.expr) -> str:
        what = text_of(node.func) if isinstance(node, ast.Call) else text_of(node)
        return f"{self._where}, line {node.lineno}: {plain(what)}"

    def _error(self, node: ast.expr, why: str, remedy: str = "") -> SpecError:
        return SpecError(f"{self._at(node)} {why}.", remedy)


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
