"""Converts the paths of an ONNX graph to layers, and gathers all that cannot be converted."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_fold import Shapes, inferred_shapes
from cnn_tui.engine.importing.onnx_graph import Join, Path
from cnn_tui.engine.importing.onnx_joins import add_join
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.importing.onnx_ops import Operators
from cnn_tui.engine.importing.onnx_patterns import add_pattern, node_of
from cnn_tui.engine.importing.onnx_scalar import (
    MOST_STEPS,
    NAMED,
    POINTS,
    Affine,
    activation_of,
    values_of,
)
from cnn_tui.engine.importing.onnx_windows import WINDOWED, add_windowed, is_taken_in
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.layers import Layer

_MOST_ERRORS = 20


class Converter:
    """Appends the counterparts of paths to assemblies; ``errors`` holds what has none.

    After an operator without a counterpart it continues with the shape that ``onnx`` infers.
    """

    def __init__(self, file: OnnxFile, sizes: tuple[int, ...]) -> None:
        self.file, self.operators = file, Operators(file)
        self.errors: list[SpecError] = []
        self._sizes = sizes
        self._shapes: Shapes | None = None

    def add(self, path: Path, assembly: LearnedLayers) -> None:
        """Append the counterparts of a whole path."""
        at = 0
        while at < len(path) and not assembly.broken:
            try:
                count = self._step(path[at:], assembly)
                at += count or 1
                is_known = count > 0
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                where = node_of(path[at]).where
                self.errors.append(SpecError(f"{where} has invalid attributes or weights."))
                at, is_known = at + 1, False
            except SpecError as error:
                self.errors.append(error)
                at, is_known = at + 1, False
            if not is_known:
                self._skip(node_of(path[at - 1]), assembly)

    def _step(self, path: Path, assembly: LearnedLayers) -> int:
        """Append one layer; the number of operators that it took, or 0 if a branch was refused."""
        item = path[0]
        if count := add_pattern(path, assembly, self.file):
            return count
        if count := self._function(path, assembly):
            return count
        if isinstance(item, Join):
            return int(add_join(item, assembly, self.file, self.add))
        after = path[1] if len(path) > 1 else None
        if isinstance(after, Node) and is_taken_in(item, after, self.file):
            add_windowed(after, item, assembly, self.file)
            return 2
        if item.op in WINDOWED:
            add_windowed(item, None, assembly, self.file)
        else:
            self.operators.add(item, assembly)
        return 1

    def _function(self, path: Path, assembly: LearnedLayers) -> int:
        """Append the activation, or take in the constants, that operators on single numbers make.

        Of several readings the longest activation counts, but an operator that is one by name
        stays alone.
        """
        values = POINTS
        best: tuple[int, Layer | Affine] | None = None
        for count, item in enumerate(path[:MOST_STEPS], 1):
            computed = values_of(item, self.file, values)
            if computed is None:
                break
            values = computed
            found = activation_of(values)
            if found is None or (isinstance(found, Affine) and best and _is_layer(best[1])):
                continue
            best = (count, found)
            if count == 1 and node_of(item).op in NAMED and _is_layer(found):
                break
        if best is None:
            return 0
        count, found = best
        if not isinstance(found, Affine):
            assembly.add(found, node_of(path[0]).where)
        elif not np.allclose(found, (1, 0), rtol=0, atol=1e-7):
            factor = None if found.factor == 1 else np.array([found.factor])
            offset = np.array([found.offset]) if found.offset else None
            self.operators.affine(node_of(path[count - 1]), assembly, factor, offset)
        return count

    def _skip(self, node: Node, assembly: LearnedLayers) -> None:
        """Continue after a node that was refused, if the shape of its output is known."""
        if self._shapes is None:
            self._shapes = inferred_shapes(self.file, self._sizes)
        shape = self._shapes.get(node.outputs[0] if node.outputs else "", ())
        if len(shape) not in (2, 4) or len(self.errors) > _MOST_ERRORS:
            assembly.broken = True
            return
        assembly.flat = len(shape) == 2
        sizes = shape[1:]
        if len(shape) == 4:
            sizes = tuple(sizes[assembly.layout.index(axis)] for axis in CHW)
        assembly.flow = FeatureMap(sizes, assembly.flat)


def _is_layer(found: Layer | Affine) -> bool:
    return not isinstance(found, Affine)
