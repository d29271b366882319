"""The table of views: the screen, the command line and a table of the docs come out of it.

A new view is a file of computation in ``engine/insight``, a file here that draws it, and a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from cnn_tui.engine.specs.wording import did_you_mean, listed
from cnn_tui.tui.inspect.canvas import Compute

Takes = Literal[
    "layer",
    "any layer",
    "one layer",
    "drawn layer",
    "window layer",
    "image",
    "seed",
    "filters",
    "class",
    "pair",
    "position",
    "size",
    "widths",
    "data",
]
"""The choices that a view may take.

``layer`` is a conv layer. Those of ``one layer`` show all of them, on the command line one if it is
named. Those of a ``drawn layer`` compute all layers with weights, and draw one. A
``window layer`` is a conv layer or a pool. Those without ``data`` need none.
"""


@dataclass(frozen=True)
class View:
    """A row of the table."""

    name: str
    shows: str
    """What the view shows, as a sentence."""
    look_for: str
    """What to look for, as a sentence."""
    source: str
    """The source of the view: a paper, or a part of the notes."""
    takes: frozenset[Takes]
    start: str = ""
    """The question before it is computed on a screen, if it takes long; else empty."""
    live: bool = True
    """Whether the view is drawn again while a run trains."""
    from_end: bool = False
    """Whether the last layer is shown first."""
    opens: str = "ablate"
    """The view that enter opens with what is under the cursor."""

    @property
    def compute(self) -> Compute:
        """The function of its file, which is imported only now."""
        compute: Compute = import_module(f"{__package__}.{self.name.replace('-', '_')}").compute
        return compute

    @property
    def about(self) -> str:
        """The description, what to look for, and the source."""
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
        start="Trains a classifier on every layer's output, trained and untrained",
        live=False,
    ),
    View(
        "width",
        "Accuracy, effective rank and distinct filters against the number of filters of a layer.",
        "Where the curve flattens within the spread of the seeds, more filters bring nothing.",
        "notes, ConvNet Architectures, layer sizing",
        frozenset({"layer", "widths", "seed", "data"}),
        start="Trains this network with other numbers of filters in this layer, three seeds each, "
        "as runs of their own; what is done already is not done again",
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
    View(
        "confusion",
        "How often images of each class, in rows, are taken for each class, in columns.",
        "Shaded cells off the diagonal are classes that the network cannot tell apart; each "
        "cell opens its pictures.",
        "notes, linear classification; any textbook",
        frozenset({"data"}),
        opens="mistakes",
    ),
    View(
        "mistakes",
        "The images that are classified wrongly, the largest loss first.",
        "Look whether a person would hesitate as well, or whether the label is wrong.",
        "notes, babysitting the learning process",
        frozenset({"pair", "data"}),
        opens="saliency",
    ),
    View(
        "saliency",
        "The pixels on which the score of a class depends most, by its gradient.",
        "A map that stays the same with the last layers drawn anew shows the image, not the "
        "decision.",
        "Simonyan et al. 2013; Adebayo et al. 2018",
        frozenset({"image", "class", "seed", "data"}),
    ),
    View(
        "occlusion",
        "How much less likely the class becomes with a patch of the image covered.",
        "The decision rests on the light places; it should be the object, not its surroundings.",
        "Zeiler and Fergus 2013, section 4.2",
        frozenset({"image", "class", "data"}),
        live=False,
    ),
    View(
        "grad-cam",
        "The part of a conv layer's output that raises the score of a class.",
        "Late layers point at whole objects, early ones at edges everywhere.",
        "Selvaraju et al. 2017",
        frozenset({"layer", "image", "class", "data"}),
        from_end=True,
    ),
    View(
        "step",
        "One output of a layer: its window, the products, their sum, the bias, the activation.",
        "The same weights meet every place of the image; the arrow keys move the window.",
        "notes, Conv Layer and Pooling Layer",
        frozenset({"window layer", "image", "filters", "class", "position", "data"}),
    ),
    View(
        "slide",
        "The class that the network sees at every place of a larger image.",
        "Fully connected layers are convolutions over the whole input: one pass gives all places, "
        "equal to the network on each crop.",
        "notes, Converting FC layers to CONV layers; Long et al. 2015",
        frozenset({"image", "size", "data"}),
        live=False,
    ),
    View(
        "compare",
        "One image before a linear classifier, a two-layer network and this one.",
        "The linear template is one ghostly average; the others look at strokes of this image.",
        "notes, linear classification, interpreting a linear classifier",
        frozenset({"image", "data"}),
        start="Trains a linear classifier and a two-layer network on the data",
        live=False,
    ),
    View(
        "shift",
        "Accuracy when the images shift, beside a fully connected network of as many parameters.",
        "The ConvNet falls more slowly: its maps shift with the image, and pooling forgives a "
        "pixel.",
        "Azulay and Weiss 2019; Zhang 2019",
        frozenset({"seed", "data"}),
        start="Trains a fully connected network of as many parameters",
        live=False,
    ),
    View(
        "shuffle",
        "Both networks trained again with the pixels of all images in one other order.",
        "The fully connected one does not mind; what the ConvNet loses is what neighbourhood "
        "was worth.",
        "notes, Convolutional Networks, architecture overview",
        frozenset({"seed", "data"}),
        start="Trains up to four networks, each kept as a run",
        live=False,
    ),
    View(
        "family",
        "Well-known networks in the order of their invention, each with the idea it added.",
        "Depth grows and parameters shrink: small filters, shortcuts and averages replace wide "
        "fc layers.",
        "the papers named in each row",
        frozenset(),
        opens="build",
        live=False,
    ),
)


def view_named(name: str) -> View | None:
    """Return a view by its name."""
    return next((view for view in VIEWS if view.name == name), None)


def unknown_view(name: str) -> str:
    """Return the sentence about a view that is not there."""
    names = [view.name for view in VIEWS]
    hint = did_you_mean(name, names, f"There are {listed(names, 'and')}.")
    return f"There is no view {name!r}. {hint}"
