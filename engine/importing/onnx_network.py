"""ONNX models as networks."""

from __future__ import annotations

import math
from functools import partial

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Graph, Path, nodes_of
from cnn_tui.engine.importing.onnx_ops import KNOWN, Operators
from cnn_tui.engine.importing.residual import canonical
from cnn_tui.engine.importing.result import (
    SOFTMAX,
    SOFTMAX_NOTE,
    Imported,
    OpenSizeError,
    Size,
    finished,
    no_size,
    refuse_unknown,
)
from cnn_tui.engine.specs.codec import loads_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import plain

ARCHITECTURE = "architecture"
"""The note in the product's own models that holds the architecture as text."""
_NORMALIZES = "it prepares its pixels by itself; here the figures of the training images do that"


def from_onnx(file: OnnxFile, size: Size | None) -> Imported:
    """The network of a file; of the product's own with names, dropout and recipe.

    Raises:
        SpecError: if something has no counterpart, or the size of the images is not known.
    """
    path, notes = Graph(file).path(), []
    if path and isinstance(path[-1], Node) and path[-1].op in SOFTMAX:
        path = path[:-1]
        notes.append(SOFTMAX_NOTE)
    unknown = (node for node in nodes_of(path) if node.op not in KNOWN)
    refuse_unknown(file.where, (_place(node) for node in unknown))
    told = file.sizes()
    size = size or _size(told)
    if size is None:
        raise _no_size(file, path, told)
    _require_told(file, size, told)
    operators, assembly = _assembled(file, path, size)
    found = finished(assembly, size, [*notes, *[_NORMALIZES] * operators.normalizes])
    return _described(file, found.network) or found


def _place(node: Node) -> str:
    return node.where.partition(", ")[2]


def _assembled(file: OnnxFile, path: Path, size: Size) -> tuple[Operators, Assembly]:
    operators, assembly = Operators(file), Assembly(size)
    operators.add(path, assembly)
    return operators, assembly


def _size(told: tuple[int | None, ...]) -> Size | None:
    if len(told) != 4:
        return None
    _, channels, height, width = told
    return (channels, height, width) if channels and height and width else None


def _no_size(file: OnnxFile, path: Path, told: tuple[int | None, ...]) -> OpenSizeError:
    if len(told) == 2 and told[1]:
        hint = "Add --input C,H,W of so many in all."
        return OpenSizeError(file.where, f"It takes {told[1]:,} flat values. {hint}")
    channels = told[1] if len(told) == 4 and told[1] else 1
    return no_size(file.where, channels, partial(_assembled, file, path))


def _require_told(file: OnnxFile, size: Size, told: tuple[int | None, ...]) -> None:
    """That the images are of a size that the file allows."""
    wanted = told[1:] if len(told) == 4 else ()
    differs = any(
        one is not None and one != given for one, given in zip(wanted, size, strict=False)
    )
    flat = len(told) == 2 and told[1] not in (None, math.prod(size))
    if differs or flat or len(told) not in (0, 2, 4):
        shown = "x".join("?" if one is None else str(one) for one in told[1:])
        raise SpecError(f"{file.where} takes inputs of {shown or 'another kind'}, not such images.")


def _described(file: OnnxFile, found: Network) -> Imported | None:
    """The architecture that the file bears as text, if it is that of its graph."""
    text = file.notes.get(ARCHITECTURE)
    if text is None:
        return None
    try:
        told = loads_network(text, plain(file.where))
        same = told.input == found.input and canonical(told.layers) == canonical(found.layers)
    except (SpecError, ValueError):
        return None
    return Imported(told) if same else None
