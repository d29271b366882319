"""Blocks of well-known networks by name: ``fire 16 64``, ``bottleneck 64 s2``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.tokens import Token


class NamedBlock(NamedTuple):
    """A block whose layers follow from a few numbers."""

    numbers: tuple[str, ...]
    """The meaning of the numbers after the name."""
    meaning: str
    text: str
    """The layers of the block in quick entry, with the numbers by their names."""
    example: str
    grows: int = 0
    """The factor from the first number to the output channels of a residual block."""


BLOCK_WORDS = {
    "fire": NamedBlock(
        ("squeeze", "expand"),
        "SqueezeNet: SQUEEZE EXPAND",
        "conv {squeeze} 1x1 | relu | parallel {{ conv {expand} 1x1 | relu }} "
        "{{ conv {expand} 3x3 p1 | relu }} concat",
        "fire 16 64",
    ),
    "inception": NamedBlock(
        ("b1", "r3", "b3", "r5", "b5", "pool"),
        "GoogLeNet: 1x1, 3x3 REDUCE, 3x3, 5x5 REDUCE, 5x5, POOL",
        "parallel {{ conv {b1} 1x1 | relu }} "
        "{{ conv {r3} 1x1 | relu | conv {b3} 3x3 p1 | relu }} "
        "{{ conv {r5} 1x1 | relu | conv {b5} 5x5 p2 | relu }} "
        "{{ maxpool 3x3 s1 p1 | conv {pool} 1x1 | relu }} concat",
        "inception 64 96 128 16 32 32",
    ),
    "basicblock": NamedBlock(
        ("filters",),
        "ResNet-18 and 34: FILTERS, STRIDE as s2",
        "res {{ conv {filters} 3x3 s{stride} p1 nobias floor | batchnorm | relu "
        "| conv {filters} 3x3 p1 nobias | batchnorm }} {shortcut} | relu",
        "basicblock 64 s2",
        grows=1,
    ),
    "bottleneck": NamedBlock(
        ("filters",),
        "ResNet-50: FILTERS of the 3x3, STRIDE as s2",
        "res {{ conv {filters} 1x1 nobias | batchnorm | relu "
        "| conv {filters} 3x3 s{stride} p1 nobias floor | batchnorm | relu "
        "| conv {output} 1x1 nobias | batchnorm }} {shortcut} | relu",
        "bottleneck 64 s2",
        grows=4,
    ),
    "denselayer": NamedBlock(
        ("growth",),
        "DenseNet: GROWTH; dense is a fully connected layer",
        "parallel {{ }} {{ batchnorm | relu | conv {wide} 1x1 nobias | batchnorm | relu "
        "| conv {growth} 3x3 p1 nobias }} concat",
        "denselayer 32",
    ),
}
"""Blocks by their word in quick entry, as the papers and torchvision have them."""


def block_text(word: Token, given: Sequence[str], shape: Shape | None) -> str:
    """Return the layers of a block in quick entry.

    A residual block gets a projection where ``given`` has a stride or ``proj``, or the channels of
    ``shape``, which it receives, are not those it puts out.

    Raises:
        EntryError: if there are more or fewer numbers.
    """
    block = BLOCK_WORDS[word.text.lower()]
    numbers = [int(text) for text in given if text.isdigit()]
    strides = [int(text[1:]) for text in given if text[0] == "s"]
    extra = len(numbers) < len(given)
    if len(numbers) != len(block.numbers) or (extra and not block.grows) or 0 in numbers:
        wanted = "a number" if len(block.numbers) == 1 else f"{len(block.numbers)} numbers"
        needs = f"{word.text.lower()} takes {wanted}{' and a stride' * bool(block.grows)}."
        raise word.error(needs, f"Example: {block.example}.")
    values = dict(zip(block.numbers, numbers, strict=True))
    stride, output = max(strides, default=1), block.grows * numbers[0]
    changes = stride != 1 or "proj" in given or (shape is not None and shape[0] != output)
    shortcut = f"proj s{stride}" if changes else ""
    wide = 4 * numbers[0]
    return block.text.format(**values, stride=stride, output=output, shortcut=shortcut, wide=wide)
