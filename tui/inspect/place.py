"""The chosen place in a network: layer, image, filters and state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cnn_tui.tui.inspect.canvas import Wanted
from cnn_tui.tui.inspect.source import Finding, Surroundings
from cnn_tui.tui.inspect.table import View
from cnn_tui.tui.words import clean, short_name

SIZES = ((1, 3), (2, 3), (4, 4), (6, 8))
"""Rows and columns of images on a canvas to slide over."""
_LEAST_NAME = 12
"""Columns that the name of a layer keeps."""


def layers_of(view: View, facts: Surroundings | None) -> Sequence[str]:
    """Return the layers between which a view can choose; empty if it takes none."""
    if facts is None:
        return ()
    kinds = {
        "layer": facts.convs,
        "any layer": facts.layers,
        "drawn layer": facts.weighted,
        "window layer": facts.windowed,
    }
    return next((names for kind, names in kinds.items() if kind in view.takes), ())


class Place:
    """The choices, which stay from view to view as far as each takes them."""

    def __init__(self) -> None:
        self.wanted = Wanted()
        self.state = ""
        """The name of the state of the network; empty for the best, or the present one."""

    def choose_image(self, image: int | Path) -> None:
        self.wanted = replace(self.wanted, image=image)

    def choose_filters(self, filters: tuple[int, ...], layer: str = "") -> None:
        """Choose filters to be taken out, of another layer if it is named."""
        layer = layer or self.wanted.layer
        self.wanted = replace(self.wanted, filters=filters, flagged=False, layer=layer)

    def choose_flagged(self, layer: str) -> None:
        """Choose the filters of a layer that its health flags."""
        self.wanted = replace(self.wanted, filters=(), flagged=True, layer=layer)

    @property
    def ablates(self) -> bool:
        """Whether filters are taken out."""
        return bool(self.wanted.filters) or self.wanted.flagged

    def wanted_by(self, view: View, facts: Surroundings | None) -> Wanted:
        """Return what is wanted, with a layer that the view takes."""
        return replace(self.wanted, layer=self.layer(view, facts))

    def layer(self, view: View, facts: Surroundings | None) -> str:
        """Return the chosen layer, or the nearest before it that the view takes."""
        names, layer = layers_of(view, facts), self.wanted.layer
        if facts is None or layer in names:
            return layer
        if not names:
            return ""
        if not layer and view.from_end:
            return facts.last if facts.last in names else names[-1]
        if not layer:
            return facts.first if facts.first in names else names[0]
        before = facts.layers[: facts.layers.index(layer)] if layer in facts.layers else ()
        return next((name for name in reversed(before) if name in names), names[0])

    def conv(self, view: View, facts: Surroundings) -> str:
        """Return the convolution whose filters a view shows."""
        layer = self.layer(view, facts) or self.wanted.layer
        until = facts.layers[: facts.layers.index(layer) + 1] if layer in facts.layers else ()
        return next((name for name in reversed(until) if name in facts.convs), facts.convs[0])

    def open(self, view: View, facts: Surroundings, number: int) -> None:
        """Choose what is under the cursor for the view that enter opens."""
        match view.opens:
            case "ablate":
                self.choose_filters((number,), self.conv(view, facts))
            case "mistakes":
                target, given = divmod(number, len(facts.classes))
                self.wanted = replace(self.wanted, pair=(target, given))
            case "saliency":
                self.wanted = replace(self.wanted, image=number, of_class="")

    def undo(self) -> None:
        """Put all filters back, and show mistakes of all kinds."""
        self.wanted = replace(self.wanted, filters=(), flagged=False, pair=None)

    def next_class(self, facts: Surroundings, by: int) -> None:
        """Choose another class; the one with the highest score has no name."""
        names = ("", *facts.classes)
        at = names.index(self.wanted.of_class) if self.wanted.of_class in names else 0
        self.wanted = replace(self.wanted, of_class=names[(at + by) % len(names)])

    def next_size(self, facts: Surroundings, by: int) -> None:
        """Choose another canvas to slide over."""
        height, width = facts.input_size
        sizes = [(rows * height, columns * width) for rows, columns in SIZES]
        at = sizes.index(self.wanted.size) if self.wanted.size in sizes else 0
        self.wanted = replace(self.wanted, size=sizes[(at + by) % len(sizes)])

    def move(
        self, position: tuple[int, int], size: tuple[int, int], down: int, across: int
    ) -> None:
        """Move the window of the stepper by some places, not beyond the output."""
        row, column = (
            max(0, min(at + by, end - 1))
            for at, by, end in zip(position, (down, across), size, strict=True)
        )
        self.wanted = replace(self.wanted, at=(row, column))

    def next_layer(self, view: View, facts: Surroundings | None, by: int) -> bool:
        """Choose another layer; returns whether there is one."""
        names = layers_of(view, facts)
        if len(names) < 2:
            return False
        at = names.index(self.layer(view, facts))
        self.choose_filters((), names[(at + by) % len(names)])
        return True

    def next_image(self, facts: Surroundings, by: int) -> bool:
        """Choose another image; returns whether there is one."""
        image = self.wanted.image
        if facts.images:
            self.choose_image((image + by) % facts.images if isinstance(image, int) else 0)
        return facts.images > 0

    def next_state(self, facts: Surroundings, by: int) -> bool:
        """Choose an earlier or later state; returns whether there is one."""
        if len(facts.states) > 1:
            at = self._at(facts)
            self.state = facts.states[(at + by) % len(facts.states)]
        return len(facts.states) > 1

    def _at(self, facts: Surroundings) -> int:
        return facts.states.index(self.state) if self.state in facts.states else facts.at

    def words(
        self, view: View, facts: Surroundings, found: Finding | None, page: str, width: int
    ) -> str:
        """Say where this is, in a line; without room the state and letters of blocks go."""
        names, parts, layer = layers_of(view, facts), [], self.layer(view, facts)
        if names:
            parts.append(f"layer < {layer} > {names.index(layer) + 1} of {len(names)}")
        if "image" in view.takes and facts.images:
            image = self.wanted.image
            name = f"{image:,} of {facts.images:,}" if isinstance(image, int) else image.name
            parts.append(f"image < {name} >")
        if found and found.seen.where:
            parts.append(found.seen.where)
        # The facts are those of the last computation, which a view may wait to begin.
        state = self.state or facts.state.rpartition(", ")[2]
        state = f"step {int(state):,}" if state.isdecimal() else state
        forms = [state]
        if len(facts.states) > 1:
            place = f"{self._at(facts) + 1} of {len(facts.states)}"
            forms = [f"state < {state} > {place}", f"< {state} > {place}", f"< {state} >"]
        parts += [page] * bool(page)
        for form in forms:
            words = "   ".join(map(clean, [*parts, form]))
            if len(words) <= width:
                return words
        words = "   ".join(map(clean, parts))
        room = max(_LEAST_NAME, len(layer) - max(0, len(words) - width))
        return words.replace(f"< {layer} >", f"< {short_name(layer, room)} >", 1)
