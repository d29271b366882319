"""The way through an ONNX graph from its input to its output, with the branches that are added."""

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
    """Two branches from one value that are added."""

    node: Node
    first: Path
    second: Path


@dataclass(frozen=True)
class Ratio:
    """A value, divided by something that is made of it."""

    node: Node
    below: Path


Path = tuple["Node | Sum | Ratio", ...]


def nodes_of(path: Path) -> Iterator[Node]:
    """All nodes of a path, those of its branches included."""
    for item in path:
        if isinstance(item, Sum):
            yield from nodes_of(item.first)
            yield from nodes_of(item.second)
            yield item.node
        else:
            # Of a ratio only the division: what it is as a whole has to be found out.
            yield item.node if isinstance(item, Ratio) else item


class Graph:
    """The nodes of a file by what they depend on.

    Each has a mask of all that it depends on, itself included, with bit 0 for the input: the
    latest value that two branches have in common is the highest bit that both masks have.

    Raises:
        SpecError: if a node stands before what it depends on.
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
        """All from the input to the output; what leads nowhere is left out.

        Raises:
            SpecError: if branches are joined in another way than by a sum, or do not nest.
        """
        if self._file.output not in self._bits:
            raise SpecError(f"{self._file.where}: nothing gives its output.")
        return self._between(0, self._bits[self._file.output], 0)

    def _add(self, node: Node) -> None:
        inputs = [one for one in node.inputs if one and not self._file.is_constant(one)]
        if not all(value in self._bits for value in inputs):
            raise SpecError(f"{node.where} uses what no node before it gives.")
        sources = tuple(self._bits[value] for value in inputs)
        mask = functools.reduce(operator.or_, (self._masks[one] for one in sources), 0)
        self._nodes.append(node)
        self._sources.append(sources)
        self._masks.append(mask | 1 << len(self._masks))
        if node.outputs:
            # Other outputs, such as the mask of a dropout, are not for use here.
            self._bits[node.outputs[0]] = len(self._masks) - 1

    def _between(self, start: int, end: int, depth: int) -> Path:
        """What leads from one value to another, both given by their bits."""
        found: list[Node | Sum | Ratio] = []
        while end != start:
            if end < start:
                raise SpecError(f"{self._file.where} has branches that do not nest.")
            node = self._nodes[end - 1]
            sources = self._sources[end - 1]
            if len(sources) == 1 or (node.op == "Mul" and len(set(sources)) == 1):
                found.append(node)
                end = sources[0]
            else:
                joined, end = self._joined(node, sources, depth)
                found.append(joined)
        return tuple(reversed(found))

    def _joined(self, node: Node, sources: tuple[int, ...], depth: int) -> tuple[Sum | Ratio, int]:
        if depth >= MAX_NESTING:
            raise SpecError(f"{node.where} stands in more than {MAX_NESTING} others.")
        if node.op == "Div" and len(sources) == 2:
            above, below = sources
            return Ratio(node, self._between(above, below, depth + 1)), above
        if node.op != "Add" or len(sources) != 2:
            what = "joins branches, which only a sum can here" if sources else "uses no input"
            raise SpecError(f"{node.where} {what}: no counterpart.")
        first, second = sources
        fork = (self._masks[first] & self._masks[second]).bit_length() - 1
        if fork < 0:
            raise SpecError(f"{node.where} adds what does not come from the input.")
        sides = (self._between(fork, side, depth + 1) for side in sources)
        return Sum(node, *sides), fork
