"""A block drawn as a diagram: what goes in, each of its lists of layers, what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.inside import list_letter, lists_in
from cnn_tui.engine.specs.layers import Conv, Layer, Parallel, Repeat, Residual, layer_type, pair
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at, received_by
from cnn_tui.engine.specs.report import Report
from cnn_tui.engine.specs.windows import Windowed
from cnn_tui.tui.building.edits import Path
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import fit

_SHAPE = 11


def block_lines(
    network: Network, report: Report, path: Path, width: int, height: int
) -> list[Line]:
    """Return a row for the input, for each list of layers with its output, and for the merge."""
    block = layer_at(network, path)
    role = role_of(layer_type(block))

    def end(at: int, layers: Sequence[Layer]) -> Shape | None:
        return received_by(network, report, (*path, at, len(layers)))

    def row(mark: str, words: str, shape: Shape | None) -> Line:
        room = max(0, width - len(mark) - _SHAPE - 1)
        said = f" {format_shape(shape or ('?',)):>{_SHAPE}}"
        return ((mark, role), (fit(words, room), ""), (said, "dim"))

    lists = [(at, layers, end(at, layers)) for at, layers in enumerate(lists_in(block))]
    lines = [row("", "in", received_by(network, report, path))]
    lines += [row(f"├{_mark(block, at)} ", chain_words(layers), out) for at, layers, out in lists]
    if isinstance(block, Residual) and isinstance(block.shortcut, str):
        lines.append(((f"├+ {block.shortcut}", role),))
    *above, at = path
    out = received_by(network, report, (*above, at + 1))
    lines.append(row("└ ", _merge(block), out))
    return [*lines, *_caption(block)][:height]


def _mark(block: Layer, at: int) -> str:
    match block:
        case Parallel():
            return list_letter(at)
        case Residual() if at:
            return "+"
    return "─"


def _merge(block: Layer) -> str:
    match block:
        case Parallel():
            return block.merge
        case Repeat():
            return f"{block.times} times"
    return "add"


def _caption(block: Layer) -> Iterator[Line]:
    if isinstance(block, Parallel) and block.split:
        yield ((f"split: each branch gets 1/{len(block.branches)} of the channels", "dim"),)


def chain_words(layers: Sequence[Layer]) -> str:
    """Return layers in a few characters: ``1x1, 3x3`` for convolutions, others by their type.

    Layers that keep the shape, such as activations, are left out where there are others.
    """
    shaping = [layer for layer in layers if not layer.info.keeps_shape] or layers
    return ", ".join(map(_word, shaping)) or "identity"


def _word(layer: Layer) -> str:
    if not isinstance(layer, Windowed):
        return layer_type(layer)
    high, wide = pair(layer.kernel_size)
    return f"{high}x{wide}" if isinstance(layer, Conv) else f"{layer_type(layer)} {high}x{wide}"
