"""``nn.Sequential`` as Python source has it: parsed, never run."""

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
"""What names mean that a file does not import: a snippet has no head."""
_SEQUENTIAL, _ORDERED = "torch.nn.Sequential", ("collections.OrderedDict", "dict")
_OWN = {"Residual": RESIDUAL, "ZeroPad": ZERO_PAD}
_WRITTEN_OUT = "Only modules that are written out, such as nn.Conv2d(1, 6, 5), can be read."
_MOST_NAMED = 5


@dataclass(frozen=True)
class Found:
    """A network in a file."""

    name: str
    """Of the variable, or of the function that returns it."""
    call: ast.Call


class TorchSource:
    """One file.

    Raises:
        SpecError: if it is no Python.
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
        """What the file gives as ``INPUT``, as the product's own do; None if it does not."""
        match self._constants.get("INPUT"):
            case (int(channels), int(height), int(width)):
                return channels, height, width
        return None

    def network(self, name: str) -> ImportedModule:
        """The network of that name, the only one where the name is empty.

        Raises:
            SpecError: if there is none or several, or it is not written out.
        """
        found = [one for one in self._found() if not name or one.name == name]
        # Those that another takes in are no networks of their own.
        used = (n for one in found for n in ast.walk(one.call) if isinstance(n, ast.Name))
        inside = {id(self._variables[n.id]) for n in used if n.id in self._variables}
        found = [one for one in found if id(one.call) not in inside]
        if not found:
            raise self._none(name)
        if len(found) > 1:
            names = [f"{one.name or '?'} (line {one.call.lineno})" for one in found[:_MOST_NAMED]]
            text = f"{self._where} has {len(found)} networks: {plain(listed(names, 'and'))}."
            raise SpecError(text, "Name one with --name.")
        return self._part(found[0].call, "")

    def _none(self, name: str) -> SpecError:
        if name:
            names = sorted({one.name for one in self._found() if one.name})
            hint = f"There are {plain(listed(names, 'and'))}." if names else ""
            return SpecError(f"{self._where} has no nn.Sequential named {plain(name)}.", hint)
        classes = [node for node in ast.walk(self._tree) if isinstance(node, ast.ClassDef)]
        why = " outside a class: what the forward of a class does cannot be read" if classes else ""
        return SpecError(
            f"{self._where} has no nn.Sequential{why}.", "Write the network as one nn.Sequential."
        )

    def _found(self) -> Iterator[Found]:
        yield from self._search(self._tree, "")

    def _search(self, node: ast.AST, name: str) -> Iterator[Found]:
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
                yield Found(name, node)
                return
        for child in ast.iter_child_nodes(node):
            yield from self._search(child, name)

    def _meaning(self, node: ast.expr) -> str:
        """``nn.Conv2d`` as ``torch.nn.Conv2d``."""
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
                raise self._error(node, "is used twice, and would share its weights")
            self._taken.add(id(node))
        if not isinstance(node, ast.Call):
            raise self._error(node, "is not written out", _WRITTEN_OUT)
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
            raise self._error(node, "has not a branch and a shortcut")
        branch, shortcut = node.args
        parts = tuple(self._part(one, key) for key, one in self._ordered(branch))
        return ImportedModule(kind, self._at(node), {}, name, parts, self._part(shortcut, ""))

    def _inner(self, node: ast.Call) -> tuple[ImportedModule, ...]:
        if node.keywords:
            raise self._error(node, "is given settings by name")
        if len(node.args) == 1 and self._is_ordered(node.args[0]):
            pairs = list(self._ordered(node.args[0]))
        else:
            pairs = [("", one) for one in node.args]
        return tuple(self._part(one, name) for name, one in pairs)

    def _is_ordered(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self._meaning(node.func) in _ORDERED

    def _ordered(self, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
        """Names and modules of an OrderedDict."""
        if not isinstance(node, ast.Call) or not self._is_ordered(node):
            raise self._error(node, "is no OrderedDict that is written out", _WRITTEN_OUT)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._error(node, "is not written out", _WRITTEN_OUT)
            yield keyword.arg, keyword.value
        for argument in node.args:
            match argument:
                case ast.List(elts=items) | ast.Tuple(elts=items):
                    yield from (self._entry(item) for item in items)
                case ast.Dict(keys=keys, values=values):
                    for key, one in zip(keys, values, strict=True):
                        yield self._key(key, one), one
                case _:
                    raise self._error(argument, "is not written out", _WRITTEN_OUT)

    def _entry(self, node: ast.expr) -> tuple[str, ast.expr]:
        match node:
            case ast.Tuple(elts=[key, one]) | ast.List(elts=[key, one]):
                return self._key(key, one), one
        raise self._error(node, "is no pair of a name and a module")

    def _key(self, key: ast.expr | None, one: ast.expr) -> str:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
        raise self._error(key or one, "is no name")

    def _settings(self, node: ast.Call, names: tuple[str, ...]) -> dict[str, object]:
        if len(node.args) > len(names):
            raise self._error(node, f"has more than {len(names)} settings")
        given = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names:
                raise self._error(node, f"has no setting {keyword.arg or '**'} here")
            given[keyword.arg] = keyword.value
        try:
            return {name: value_of(one, self._constants) for name, one in given.items()}
        except NotLiteralError as error:
            text = f"takes {plain(str(error))}, which only running it would tell"
            raise self._error(node, text, "Write the number in its place.") from None

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
        raise SpecError(f"{where} is not Python that can be read.") from None


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What each imported name stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Variables that are given a call, once and for all."""
    found: dict[str, ast.expr] = {}
    twice = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                twice |= {name} & found.keys()
                found[name] = value
    return {n: v for n, v in found.items() if n not in twice and isinstance(v, ast.Call)}


def _is_own(node: ast.ClassDef) -> bool:
    """Whether a class is, to the letter, one of those that an export defines."""
    own = _OWN.get(node.name)
    return own is not None and ast.dump(ast.parse(own).body[0]) == ast.dump(node)
