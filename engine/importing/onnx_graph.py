"""Finds the path through an ONNX graph from input to output, with its added branches."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.specs.network import MAX_NESTING


@dataclass(frozen=True)
class Sum:
    """The sum of two branches that start from one value."""

    node: Node
    first: Path
    second: Path


@dataclass(frozen=True)
class Ratio:
    """A value divided by a result computed from it."""

    node: Node
    below: Path


Path = tuple["Node | Sum | Ratio", ...]


def nodes_of(path: Path) -> Iterator[Node]:
    """Yield all nodes of a path, those of its branches included."""
    for item in path:
        if isinstance(item, Sum):
            yield from nodes_of(item.first)
            yield from nodes_of(item.second)
            yield item.node
        else:
            # Of a ratio only the division, which may be part of an LRN.
            yield item.node if isinstance(item, Ratio) else item


class Graph:
    """The dependencies between the nodes of a file.

    Each node has a bit mask of its dependencies, itself included, with bit 0 for the input. The
    last value that two branches share is the highest bit of both masks.

    Raises:
        SpecError: if a node comes before its inputs.
    """

    def __init__(self, file: OnnxFile) -> None:
        self._file = file
        self._bits = {file.input: 0}
        self._masks = [1]
        self._nodes: list[Node] = []
        self._sources: list[tuple[int, ...]] = []
        for node in file.nodes:
            self._add(node)

    def path(self) -> Path:
        """Return the path from the input to the output, without unused nodes.

        Raises:
            SpecError: if branches are joined other than by sums, or are not nested.
        """
        if self._file.output not in self._bits:
            raise SpecError(f"{self._file.where}: no node computes its output.")
        return self._between(0, self._bits[self._file.output], 0)

    def _add(self, node: Node) -> None:
        inputs = [name for name in node.inputs if name and not self._file.is_constant(name)]
        if not all(value in self._bits for value in inputs):
            raise SpecError(f"{node.where} uses a value that no earlier node computes.")
        sources = tuple(self._bits[value] for value in inputs)
        mask = functools.reduce(operator.or_, (self._masks[source] for source in sources), 0)
        self._nodes.append(node)
        self._sources.append(sources)
        self._masks.append(mask | 1 << len(self._masks))
        if node.outputs:
            # Further outputs, such as the mask of a dropout, are not supported.
            self._bits[node.outputs[0]] = len(self._masks) - 1

    def _between(self, start: int, end: int, depth: int) -> Path:
        """The path from one value to another, both given by their bits."""
        items: list[Node | Sum | Ratio] = []
        while end != start:
            if end < start:
                raise SpecError(f"{self._file.where} has branches that are not nested.")
            node = self._nodes[end - 1]
            sources = self._sources[end - 1]
            if len(sources) == 1 or (node.op == "Mul" and len(set(sources)) == 1):
                items.append(node)
                end = sources[0]
            else:
                joined, end = self._joined(node, sources, depth)
                items.append(joined)
        return tuple(reversed(items))

    def _joined(self, node: Node, sources: tuple[int, ...], depth: int) -> tuple[Sum | Ratio, int]:
        if depth >= MAX_NESTING:
            raise SpecError(f"{node.where} is nested in more than {MAX_NESTING} branches.")
        if node.op == "Div" and len(sources) == 2:
            above, below = sources
            return Ratio(node, self._between(above, below, depth + 1)), above
        if node.op != "Add" or len(sources) != 2:
            what = "joins branches other than by a sum" if sources else "has no input"
            raise SpecError(f"{node.where} {what}: no counterpart.")
        first, second = sources
        fork = (self._masks[first] & self._masks[second]).bit_length() - 1
        if fork < 0:
            raise SpecError(f"{node.where} adds values that do not depend on the input.")
        sides = (self._between(fork, side, depth + 1) for side in sources)
        return Sum(node, *sides), fork
