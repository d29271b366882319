"""The arithmetic where the branches of a block meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from cnn_tui.engine.shapes import Shape, Window, format_shape, output_size
from cnn_tui.engine.specs.layers import Parallel, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import layer_at, received_by
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.building.edits import Path


def merge_words(block: Parallel, ends: Sequence[Shape | None]) -> str:
    """Return the merge of branches with these outputs in a few characters: ``concat 64+32``."""
    split = " split" if block.split else ""
    if block.merge == "concat":
        channels = "+".join(str(shape[0]) if shape else "?" for shape in ends)
        return f"concat {channels}{split}"
    if block.merge == "multiply":
        return f"multiply {'*'.join(format_shape(shape or ('?',)) for shape in ends)}{split}"
    return f"add {len(ends)} branch{'es' * (len(ends) != 1)}{split}"


def misfits(block: Parallel, ends: Sequence[Shape | None]) -> frozenset[int]:
    """Return the numbers of the branches whose size is not that of most others."""
    sizes = [shape[1:] if shape and block.merge == "concat" else shape for shape in ends]
    known = Counter(size for size in sizes if size and max(size[-2:]) > 1)
    if not known:
        return frozenset()
    common = known.most_common(1)[0][0]
    return frozenset(
        at for at, size in enumerate(sizes) if size and not _meets(block, size, common)
    )


def _meets(block: Parallel, size: Shape, common: Shape) -> bool:
    if block.merge != "multiply" or len(size) != len(common):
        return size == common
    return all(own in (1, other) for own, other in zip(size, common, strict=True))


class Sides(NamedTuple):
    """The shapes that are added; None for one that is not known."""

    branch: Shape | None
    shortcut: Shape | None


def added(network: Network, report: Report, path: Path) -> Sides:
    """Return both operands of the block at ``path``."""
    block = layer_at(network, path)
    assert isinstance(block, Residual), "only a residual block has sides"
    branch = received_by(network, report, (*path, 0, len(block.branch))) if block.branch else None
    if isinstance(block.shortcut, tuple):
        end = (*path, 1, len(block.shortcut))
        return Sides(branch, received_by(network, report, end))
    return Sides(branch, _shortcut(block, received_by(network, report, path), branch))


def addition_words(network: Network, report: Report, path: Path) -> tuple[str, ...]:
    """Describe the sum in a few lines."""
    branch, shortcut = added(network, report, path)
    lines = (
        f"branch    {format_shape(branch or '?')}",
        f"shortcut  {format_shape(shortcut or '?')}",
    )
    if branch is None or shortcut is None:
        return (*lines, "one operand is unknown")
    if branch != shortcut:
        return (*lines, "shapes differ")
    return (*lines, "equal shapes: added")


def _shortcut(block: Residual, received: Shape | None, branch: Shape | None) -> Shape | None:
    """Return the output shape of a shortcut without layers (He et al. 2016, section 3.3)."""
    if received is None or block.shortcut == "identity":
        return received
    if len(received) != 3 or branch is None:
        return None
    pixels = tuple(output_size(size, Window(1, block.stride)) for size in received[1:])
    channels = branch[0] if block.shortcut == "projection" else max(branch[0], received[0])
    return (channels, *pixels)
