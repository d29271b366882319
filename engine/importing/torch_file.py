"""Finds the network in Python source: an ``nn.Sequential``, or a class of ``nn.Module``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.class_init import module_classes
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.torch_class import class_chain
from cnn_tui.engine.importing.torch_source import SEQUENTIAL, TorchSource
from cnn_tui.engine.specs.wording import listed, plain

_MOST_NAMED = 5


@dataclass(frozen=True)
class FoundNetwork:
    """A network in a file."""

    name: str
    """The name of the class, or of the variable or function that holds an ``nn.Sequential``."""
    node: ast.Call | ast.ClassDef


def find_network(source: TorchSource, name: str) -> tuple[ImportedModule, tuple[str, ...]]:
    """Return the network of this name, or the only one if the name is empty; and remarks.

    Raises:
        SpecError: if there is none or several, or it cannot be read.
    """
    every = [*_sequentials(source, source.tree, ""), *_classes(source)]
    networks = [found for found in every if not name or found.name == name]
    networks = [found for found in networks if id(found.node) not in _inside(source, networks)]
    if not networks:
        raise _none(source, name, every)
    if len(networks) > 1:
        shown = networks[:_MOST_NAMED]
        names = [f"{found.name or '?'} (line {found.node.lineno})" for found in shown]
        text = f"{source.where} has {len(networks)} networks: {plain(listed(names, 'and'))}."
        raise SpecError(text, "Choose one with --name.")
    node = networks[0].node
    try:
        if isinstance(node, ast.Call):
            return source.part(node, ""), ()
        return class_chain(source, node)
    except RecursionError:
        raise SpecError(f"{source.where} is nested too deeply.") from None


def _none(source: TorchSource, name: str, every: list[FoundNetwork]) -> SpecError:
    if name:
        names = sorted({found.name for found in every if found.name})
        hint = f"There are {plain(listed(names, 'and'))}." if names else ""
        return SpecError(f"{source.where} has no network named {plain(name)}.", hint)
    return SpecError(
        f"{source.where} has no network.",
        "Write it as an nn.Sequential, or as a class of nn.Module with a forward.",
    )


def _classes(source: TorchSource) -> Iterator[FoundNetwork]:
    for name, node in module_classes(source).items():
        yield FoundNetwork(name, node)


def _inside(source: TorchSource, networks: list[FoundNetwork]) -> set[int]:
    """The networks that are used inside another one, which do not count."""
    parts: dict[str, ast.AST] = {**source.variables, **module_classes(source)}
    names = (
        inner.id
        for found in networks
        for inner in ast.walk(found.node)
        if isinstance(inner, ast.Name) and inner.id != found.name
    )
    return {id(parts[name]) for name in names if name in parts}


def _sequentials(source: TorchSource, node: ast.AST, name: str) -> Iterator[FoundNetwork]:
    match node:
        case ast.ClassDef():
            return
        case ast.FunctionDef():
            if len(node.args.args) > len(node.args.defaults):
                return  # what it makes depends on what it is given
            name = node.name
        case ast.Assign(targets=[ast.Name(id=target)]):
            name = target
        case ast.AnnAssign(target=ast.Name(id=target)):
            name = target
        case ast.Call() if source.meaning(node.func) == SEQUENTIAL:
            yield FoundNetwork(name, node)
            return
    for child in ast.iter_child_nodes(node):
        yield from _sequentials(source, child, name)
