"""Converts an ONNX model to a network with its weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_convert import Converter
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_fold import fold
from cnn_tui.engine.importing.onnx_graph import Graph, Path
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.importing.onnx_ops import KNOWN
from cnn_tui.engine.importing.onnx_own import own_model
from cnn_tui.engine.importing.onnx_scalar import FUNCTIONS
from cnn_tui.engine.importing.result import (
    SOFTMAX,
    SOFTMAX_NOTE,
    SUPPORTED,
    Imported,
    ImportedWeights,
    OpenSizeError,
    Size,
    finished,
    no_size,
)
from cnn_tui.engine.runs.imported import Pixels
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import param_shapes

_NORMALIZES = "pixels are normalised as its first operators do it"
_MOST_NAMED = 20
_PIXELS = Pixels()
_BYTES = 255.0


# Damaged weights may overflow; they are seen in the scores.
@np.errstate(all="ignore")
def from_onnx(file: OnnxFile, size: Size | None) -> Imported:
    """Convert a model; one of cnn-tui's own is as it was exported, with names and recipe.

    Raises:
        SpecError: if a node has no counterpart, or the image size is unknown.
    """
    own = own_model(file)
    if own is not None and size in (None, own.network.input):
        return own
    graph = Graph(file, fold(file, None))
    layout = _layout(graph.used())
    declared = _ordered(file.sizes, layout)
    size = size or _size(declared)
    if size is None:
        raise _no_size(file, declared, layout)
    _require_declared(file, size, declared)
    path, softmax = _path(file, size, layout)
    converter, layers = _converted(file, path, size, layout)
    notes = [SOFTMAX_NOTE] * bool(softmax) + [_NORMALIZES] * converter.operators.normalizes
    imported = finished(layers, size, notes)
    weights = _weights(imported.network, layers)
    if weights is None:
        return imported
    held = ImportedWeights(
        weights,
        _pixels(converter),
        nodes=file.count,
        ends=softmax,
        channels_last=layout != CHW,
    )
    return replace(imported, held=held)


def _path(file: OnnxFile, size: Size, layout: str) -> tuple[Path, str]:
    """The path from pixels to scores, and the softmax at its end, which it leaves out."""
    graph = Graph(file, fold(file, _sizes(file, size, layout)))
    try:
        path = graph.path()
    except SpecError as error:
        # Further faults are named as well.
        raise _combined(file, [*_unknown(graph.used()), error]) from None
    for at in range(len(path) - 1, -1, -1):
        item = path[at]
        if isinstance(item, Node) and item.op in SOFTMAX:
            return path[:at] + path[at + 1 :], item.op
        if not isinstance(item, Node) or item.op not in _AFTER_SOFTMAX:
            break
    return path, ""


_AFTER_SOFTMAX = ("Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Transpose")


def _converted(
    file: OnnxFile, path: Path, size: Size, layout: str
) -> tuple[Converter, LearnedLayers]:
    converter, layers = Converter(file, _sizes(file, size, layout)), LearnedLayers(size)
    layers.layout = layout
    converter.add(path, layers)
    if converter.errors:
        raise _combined(file, converter.errors)
    return converter, layers


def _unknown(nodes: Iterable[Node]) -> list[SpecError]:
    known = KNOWN | set(FUNCTIONS)
    return [
        SpecError(f"{node.where} is not known here: no counterpart.")
        for node in nodes
        if node.op not in known
    ]


def _combined(file: OnnxFile, errors: list[SpecError]) -> SpecError:
    """One error with all of these texts, each once."""
    first, *others = errors
    if not others:
        return first
    texts = [error.message.removeprefix(f"{file.where}, ").rstrip(".") for error in errors]
    distinct = list(dict.fromkeys(texts))
    rest = [f"and {len(distinct) - _MOST_NAMED} more"] if len(distinct) > _MOST_NAMED else []
    return SpecError(
        f"{file.where} cannot be imported: {'; '.join([*distinct[:_MOST_NAMED], *rest])}.",
        SUPPORTED,
    )


def _layout(nodes: Iterable[Node]) -> str:
    """The order of the sizes of the input: ``HWC`` if the file itself moves the channels first."""
    for node in nodes:
        if node.op == "Transpose" and tuple(node.attributes.get("perm", ())) == (0, 3, 1, 2):
            return "HWC"
        if node.op not in ("Sub", "Div", "Mul", "Add", "Identity", "Cast"):
            break
    return CHW


def _ordered(declared: tuple[int | None, ...], layout: str) -> tuple[int | None, ...]:
    """The declared sizes with the channels first."""
    if len(declared) != 4:
        return declared
    return (declared[0], *(declared[1 + layout.index(axis)] for axis in CHW))


def _sizes(file: OnnxFile, size: Size, layout: str) -> tuple[int, ...]:
    """The shape of the input in the file; one image, if it does not say how many."""
    batch = (file.sizes[0] if file.sizes else None) or 1
    if len(file.sizes) == 2:
        return (batch, math.prod(size))
    return (batch, *(size[CHW.index(axis)] for axis in layout))


def _size(declared: tuple[int | None, ...]) -> Size | None:
    if len(declared) != 4:
        return None
    _, channels, height, width = declared
    return (channels, height, width) if channels and height and width else None


def _no_size(file: OnnxFile, declared: tuple[int | None, ...], layout: str) -> OpenSizeError:
    if len(declared) == 2 and declared[1]:
        hint = f"Add --input C,H,W with C*H*W = {declared[1]:,}."
        return OpenSizeError(file.where, hint)
    channels = declared[1] if len(declared) == 4 and declared[1] else 1

    def assemble(size: Size) -> object:
        path, _ = _path(file, size, layout)
        return _converted(file, path, size, layout)

    return no_size(file.where, channels, assemble)


def _require_declared(file: OnnxFile, size: Size, declared: tuple[int | None, ...]) -> None:
    """Refuse an image size that differs from the declared one."""
    wanted = declared[1:] if len(declared) == 4 else ()
    differs = any(
        want is not None and want != have for want, have in zip(wanted, size, strict=False)
    )
    flat = len(declared) == 2 and declared[1] not in (None, math.prod(size))
    if differs or flat or len(declared) not in (0, 2, 4):
        shown = format_shape("?" if size is None else size for size in declared[1:])
        expected = f"{file.where} takes inputs of {shown or 'another kind'}"
        raise SpecError(f"{expected}, received {format_shape(size)}.")


def _weights(network: Network, layers: LearnedLayers) -> dict[str, np.ndarray] | None:
    """The weights by the model's names; None if the network is not valid."""
    shapes = param_shapes(network, check(network))
    if len(shapes) != len(layers.weights):
        return None
    return {
        f"{layer.name}.{part}": array
        for layer, arrays in zip(shapes, layers.weights, strict=True)
        for part, array in arrays.items()
    }


def _pixels(converter: Converter) -> Pixels:
    """How pixels were normalised: as the file does, or not at all."""
    factor, offset = converter.operators.factor, converter.operators.offset
    factor, offset = np.broadcast_arrays(factor, offset)
    mean, std = (one.astype(np.float32).tolist() for one in (-offset / factor, 1 / factor))
    # Means and deviations show how large pixels are.
    peak = _BYTES if max(*map(abs, mean), *std) > 2 * _PIXELS.peak else _PIXELS.peak
    return Pixels(tuple(mean), tuple(std), peak)
