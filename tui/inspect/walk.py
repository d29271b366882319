"""Where a person stands in a network: the layer, image, class and place that are looked at.

Each step gives what is wanted next; nothing here draws or computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cnn_tui.tui.inspect.canvas import Wanted
from cnn_tui.tui.inspect.source import Surroundings
from cnn_tui.tui.inspect.table import View

SIZES = ((1, 3), (2, 3), (4, 4), (6, 8))
"""Rows and columns of images on a canvas to slide over."""


def layers_of(view: View, facts: Surroundings | None) -> Sequence[str]:
    """The layers between which a view can choose."""
    if facts is None:
        return ()
    kinds = {
        "layer": facts.convs,
        "any layer": facts.layers,
        "drawn layer": facts.weighted,
        "window layer": facts.windowed,
    }
    return next((names for kind, names in kinds.items() if kind in view.takes), ())


def layer_of(view: View, facts: Surroundings | None, wanted: Wanted) -> str:
    """The chosen layer, or the nearest before it that the view takes."""
    names, layer = layers_of(view, facts), wanted.layer
    if facts is None or not names or layer in names:
        return layer
    if not layer and view.from_end:
        return names[-1]
    if not layer:
        return facts.first if facts.first in names else names[0]
    before = facts.layers[: facts.layers.index(layer)] if layer in facts.layers else ()
    return next((name for name in reversed(before) if name in names), names[0])


def conv_of(layer: str, facts: Surroundings) -> str:
    """The convolution whose filters a layer shows."""
    if layer in facts.convs:
        return layer
    before = facts.layers[: facts.layers.index(layer)]
    return next(name for name in reversed(before) if name in facts.convs)


def other_layer(view: View, facts: Surroundings | None, wanted: Wanted, by: int) -> Wanted:
    """Go ``by`` layers on; the last is followed by the first."""
    names = layers_of(view, facts)
    if not names:
        return wanted
    at = names.index(layer_of(view, facts, wanted))
    return replace(wanted, layer=names[(at + by) % len(names)], filters=(), at=None)


def other_image(facts: Surroundings | None, wanted: Wanted, by: int) -> Wanted:
    """Go ``by`` images on; a picture of a file is followed by the first image."""
    if facts is None or not facts.images:
        return wanted
    image = wanted.image
    at = (image + by) % facts.images if isinstance(image, int) else 0
    return replace(wanted, image=at, at=None)


def other_class(facts: Surroundings | None, wanted: Wanted, by: int) -> Wanted:
    """Go ``by`` classes on, through the one with the highest score, which is empty."""
    if facts is None:
        return wanted
    names = ("", *facts.classes)
    at = names.index(wanted.of_class) if wanted.of_class in names else 0
    return replace(wanted, of_class=names[(at + by) % len(names)])


def other_size(facts: Surroundings | None, wanted: Wanted, by: int) -> Wanted:
    """Take the next canvas, in images down and across."""
    if facts is None:
        return wanted
    height, width = facts.input_size
    sizes = [(rows * height, columns * width) for rows, columns in SIZES]
    at = sizes.index(wanted.size) if wanted.size in sizes else 0
    return replace(wanted, size=sizes[(at + by) % len(sizes)])


def moved(wanted: Wanted, position: tuple[int, int], size: tuple[int, int],
          down: int, across: int) -> Wanted:  # fmt: skip
    """Move the window of the stepper by some places, not beyond the output."""
    row, column = (
        max(0, min(at + by, end - 1))
        for at, by, end in zip(position, (down, across), size, strict=True)
    )
    return replace(wanted, at=(row, column))


def opened(view: View, facts: Surroundings, wanted: Wanted, number: int) -> Wanted:
    """What the view wants that enter opens with what is under the cursor."""
    match view.opens:
        case "ablate":
            layer = conv_of(layer_of(view, facts, wanted), facts)
            return replace(wanted, layer=layer, filters=(number,))
        case "mistakes":
            target, chosen = divmod(number, len(facts.classes))
            return replace(wanted, pair=(target, chosen))
        case "saliency":
            return replace(wanted, image=number, of_class="")
    return wanted
