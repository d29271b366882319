"""Takes an ONNX graph apart into chains and the joins of their branches.

A graph is series-parallel if each join closes branches that begin at one value and share nothing
on the way (Valdes, Tarjan and Lawler 1982); only these can be said here.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.specs.network import MAX_NESTING

_MOST_NESTED = 3 * MAX_NESTING
"""Joins inside joins; several of them may make one layer."""


@dataclass(frozen=True)
class Join:
    """An operator on several branches that start from one value."""

    node: Node
    branches: tuple[Path, ...]


Path = tuple["Node | Join", ...]
"""Operators one after another, each with the output of the one before."""


class Graph:
    """The dependencies between the nodes of a file.

    Each node has a bit mask of its dependencies, itself included, with bit 0 for the input. The
    last value that branches share is the highest bit of all their masks.

    Raises:
        SpecError: if a node comes before its inputs.
    """

    def __init__(self, file: OnnxFile, nodes: Iterable[Node]) -> None:
        self._file = file
        self._bits = {file.input: 0}
        self._masks = [1]
        self._nodes: list[Node] = []
        self._sources: list[tuple[int, ...]] = []
        for node in _nested_concats(_single_outputs(nodes, file)):
            self._add(node)
        if file.output not in self._bits:
            raise SpecError(f"{file.where}: no node computes its output.")
        self._end = self._bits[file.output]

    def used(self) -> list[Node]:
        """Return the nodes that the output depends on, in their order."""
        mask = self._masks[self._end]
        return [node for bit, node in enumerate(self._nodes, 1) if mask >> bit & 1]

    def path(self) -> Path:
        """Return the path from the input to the output, without unused nodes.

        Raises:
            SpecError: if branches are not nested.
        """
        return self._between(0, self._end, 0)

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
        items: list[Node | Join] = []
        top = end
        while end != start:
            if end < start:
                raise self._crossing(start, top)
            node, sources = self._nodes[end - 1], self._sources[end - 1]
            if len(sources) == 1:
                items.append(node)
                end = sources[0]
            else:
                joined, end = self._joined(node, sources, depth)
                items.append(joined)
        return tuple(reversed(items))

    def _joined(self, node: Node, sources: Sequence[int], depth: int) -> tuple[Join, int]:
        if depth >= _MOST_NESTED:
            raise SpecError(f"{node.where} is nested in more than {_MOST_NESTED} branches.")
        fork = self._shared(sources)
        if fork < 0:
            raise SpecError(f"{node.where} uses values that do not depend on the input.")
        branches: list[Path] = []
        for group in self._groups(node, sources, fork):
            if len(group) == 1:
                branches.append(self._between(fork, group[0], depth + 1))
            else:
                inner, begin = self._joined(node, group, depth + 1)
                branches.append((*self._between(fork, begin, depth + 1), inner))
        return Join(node, tuple(branches)), fork

    def _groups(self, node: Node, sources: Sequence[int], fork: int) -> list[list[int]]:
        """Neighbours of a concatenation that share more than all inputs do, each joined first."""
        groups = [[source] for source in sources]
        if node.op not in ("Concat", "Sum") or len(sources) == 2:
            return groups
        for source in [groups.pop(0)[0] for _ in sources]:
            if groups and self._shared([groups[-1][-1], source]) > fork:
                groups[-1].append(source)
            else:
                groups.append([source])
        return groups if len(groups) > 1 else [[source] for source in sources]

    def _shared(self, sources: Iterable[int]) -> int:
        """The last value that all of these depend on; -1 if there is none."""
        masks = (self._masks[source] for source in sources)
        return functools.reduce(operator.and_, masks).bit_length() - 1

    def _crossing(self, start: int, top: int) -> SpecError:
        """Names the edge that enters the branch from ``start`` to ``top`` elsewhere."""
        mask = self._masks[top]
        for end in range(top, start, -1):
            if not mask >> end & 1 or not self._masks[end] >> start & 1:
                continue
            for source in self._sources[end - 1]:
                if source != start and not self._masks[source] >> start & 1:
                    above, below = self._name(source), self._name(end)
                    return SpecError(
                        f"{self._file.where} is not series-parallel: the connection from {above} "
                        f"to {below} crosses a branch that begins after {self._name(start)}.",
                        "Branches must begin at one layer and end at one; blocks may be nested.",
                    )
        return SpecError(f"{self._file.where} has branches that are not nested.")

    def _name(self, bit: int) -> str:
        return self._nodes[bit - 1].short if bit else "the input"


def _single_outputs(nodes: Iterable[Node], file: OnnxFile) -> Iterator[Node]:
    """Replace each ``Split`` by one ``Slice`` for each part, with the bounds of its channels."""
    for node in nodes:
        if node.op != "Split":
            yield node
            continue
        sizes = file.setting(node, "split", 1)
        for number, output in enumerate(node.outputs):
            part = {
                "axis": node.attributes.get("axis", 0),
                "part": number,
                "parts": len(node.outputs),
                "sizes": sizes,
            }
            yield replace(
                node, op="Part", inputs=node.inputs[:1], outputs=(output,), attributes=part
            )


def _nested_concats(nodes: Iterable[Node]) -> Iterator[Node]:
    """Let a concatenation of what an earlier one joins, and more, take the earlier one's output.

    DenseNets in PyTorch concatenate all earlier volumes in each layer.
    """
    earlier: dict[tuple[object, ...], str] = {}
    for node in nodes:
        if node.op == "Concat" and node.outputs:
            axis, inputs = node.attributes.get("axis"), node.inputs
            for count in range(len(inputs) - 1, 1, -1):
                if (axis, *inputs[:count]) in earlier:
                    first = earlier[axis, *inputs[:count]]
                    node = replace(node, inputs=(first, *inputs[count:]))
                    break
            earlier[axis, *inputs] = node.outputs[0]
        yield node
