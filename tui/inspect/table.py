"""The table of views: the screen, the command line and a table of the docs come out of it.

A new view is a file of computation in ``engine/insight``, a file here that draws it, and a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from cnn_tui.engine.specs.wording import listed, nearest
from cnn_tui.tui.inspect.canvas import Compute

Takes = Literal[
    "layer", "any layer", "one layer", "drawn layer", "image", "seed", "filters", "widths", "data"
]
"""What a view can be asked for.

``layer`` is a conv layer. Those of ``one layer`` show all of them, on the command line one if it is
named. Those of a ``drawn layer`` compute all layers with weights, and draw one. Those without
``data`` need none.
"""


@dataclass(frozen=True)
class View:
    """A row of the table."""

    name: str
    shows: str
    """What it shows, as a sentence."""
    look_for: str
    """What to look for, as a sentence."""
    source: str
    """Where it comes from: a paper, or a part of the notes."""
    takes: frozenset[Takes]
    start: str = ""
    """The question before it is computed on a screen, if it takes long; else empty."""
    live: bool = True
    """Whether it is drawn again while a run trains."""

    @property
    def compute(self) -> Compute:
        """The function of its file, which is imported only now."""
        compute: Compute = import_module(f"{__package__}.{self.name}").compute
        return compute

    @property
    def about(self) -> str:
        """What it shows, what to look for, and its source."""
        return f"{self.shows} {self.look_for} Source: {self.source}."


VIEWS = (
    View(
        "filters",
        "Each square is the weights of one filter, all on one scale.",
        "Smooth bars, corners and blobs are features; salt and pepper is noise that training has "
        "not removed.",
        "notes, Understanding CNNs; Zeiler and Fergus 2013",
        frozenset({"layer"}),
    ),
    View(
        "maps",
        "Each square is what one filter makes of the image: light where it responds.",
        "Early maps still look like the image, with edges picked out; later ones are small and "
        "sparse, each for something of its own.",
        "notes, Understanding CNNs, layer activations",
        frozenset({"any layer", "image", "data"}),
    ),
    View(
        "health",
        "Whether the filters of each conv layer are alive, distinct and more than noise.",
        "Few distinct filters among many mean that the layer is wider than its task; dead ones "
        "never answer to any image.",
        "Roy and Vetterli 2007, effective rank; docs/insight.md, calibration",
        frozenset({"one layer", "seed", "data"}),
    ),
    View(
        "excite",
        "The patches of the data to which each filter responds most, one from an image.",
        "What the patches of one filter have in common is what it looks for: strokes and corners "
        "first, parts of objects later.",
        "Zeiler and Fergus 2013",
        frozenset({"layer", "seed", "data"}),
        live=False,
    ),
    View(
        "ablate",
        "How much accuracy each filter is worth, and which classes suffer without it.",
        "A filter whose loss costs nothing is redundant; one that costs a single class is its "
        "feature.",
        "Morcos et al. 2018, On the importance of single directions",
        frozenset({"layer", "filters", "seed", "data"}),
        live=False,
    ),
    View(
        "probes",
        "How well a simple classifier tells the classes apart by each layer's output.",
        "Trained curves rise from layer to layer above the untrained ones: that rise is what "
        "training has added to the architecture.",
        "Alain and Bengio 2016; random conv layers: Saxe et al. 2011",
        frozenset({"seed", "data"}),
        start="Trains a classifier on every layer's output, trained and untrained: enter starts.",
        live=False,
    ),
    View(
        "width",
        "Accuracy, effective rank and distinct filters against the number of filters of a layer.",
        "Where the curve flattens within the spread of the seeds, more filters bring nothing.",
        "notes, ConvNet Architectures, layer sizing",
        frozenset({"layer", "widths", "seed", "data"}),
        start="Trains this network with other numbers of filters in this layer, three seeds each, "
        "as runs of their own: enter starts, esc stops, and what is done is not done again.",
        live=False,
    ),
    View(
        "histograms",
        "The weights, activations and gradients of a layer, at its start and now.",
        "Weights spread as they learn; activations all at zero, or gradients a thousand times "
        "smaller than elsewhere, mean a layer that does not learn.",
        "notes, Neural Networks Part 2 and 3, distributions per layer, update ratio",
        frozenset({"drawn layer", "seed"}),
    ),
)


def view_named(name: str) -> View | None:
    """Return a view by its name."""
    return next((view for view in VIEWS if view.name == name), None)


def unknown_view(name: str) -> str:
    """Return the sentence about a view that is not there."""
    names = [view.name for view in VIEWS]
    near = nearest(name, names)
    hint = f"Did you mean {near[0]}?" if near else f"There are {listed(names, 'and')}."
    return f"There is no view {name!r}. {hint}"
