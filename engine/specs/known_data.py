"""The shape of the images and the number of classes of the datasets known by name."""

from __future__ import annotations

from typing import NamedTuple

from cnn_tui.engine.specs.network import Network


class DataFacts(NamedTuple):
    """The facts of data that a network has to fit; None if unknown without reading the data."""

    name: str = ""
    shape: tuple[int, int, int] | None = None
    """``(C, H, W)`` of every image."""
    classes: int | None = None
    any_size: bool = False
    """Whether the images come at any size, as the input wants them; ``shape`` is the usual one."""

    def suits(self, shape: tuple[int, int, int]) -> bool:
        """Whether images of this shape can be had, and show what they should."""
        large_enough = min(shape[1:]) >= _LEAST_SIDE
        return shape == self.shape or (self.any_size and large_enough)

    @property
    def words(self) -> str:
        """The dataset as the subject of a sentence."""
        return self.name or "the data"


IMAGENET = "imagenet"
"""The data of a million images that the large networks were made for; the person has it, or not."""
_LEAST_SIDE = 16
"""Pixels below which a picture that was made smaller shows little."""
_GREY, _COLOUR = (1, 28, 28), (3, 28, 28)

KNOWN_DATA = {
    facts.name: facts
    for facts in (
        DataFacts("digits", (1, 8, 8), 10),
        DataFacts("shapes", (3, 32, 32), 10, any_size=True),
        DataFacts("mnist", _GREY, 10),
        DataFacts("fashion-mnist", _GREY, 10),
        DataFacts("kmnist", _GREY, 10),
        DataFacts("cifar10", (3, 32, 32), 10),
        DataFacts("cifar100", (3, 32, 32), 100),
        DataFacts("imagenette", (3, 160, 160), 10, any_size=True),
        DataFacts("pathmnist", _COLOUR, 9),
        DataFacts("dermamnist", _COLOUR, 7),
        DataFacts("octmnist", _GREY, 4),
        DataFacts("pneumoniamnist", _GREY, 2),
        DataFacts("retinamnist", _COLOUR, 5),
        DataFacts("breastmnist", _GREY, 2),
        DataFacts("bloodmnist", _COLOUR, 8),
        DataFacts("tissuemnist", _GREY, 8),
        DataFacts("organamnist", _GREY, 11),
        DataFacts("organcmnist", _GREY, 11),
        DataFacts("organsmnist", _GREY, 11),
    )
}


def facts_of(data: str) -> DataFacts:
    """The facts of a built-in dataset, however its name is spelt; none of folders and files."""
    # A network made in code may have anything here, which the check reports.
    return _BY_LETTERS.get(letters(data), DataFacts()) if isinstance(data, str) else DataFacts()


def facts_for(network: Network) -> DataFacts:
    """The facts of a network's data; the network may list the classes of a folder or file."""
    facts = facts_of(network.data)
    names = network.classes if isinstance(network.classes, list | tuple) else ()
    listed = len({name for name in names if isinstance(name, str)})
    return facts._replace(classes=listed) if facts.classes is None and listed > 1 else facts


def letters(word: str) -> str:
    """A name without case, dashes and underscores: ``CIFAR-10`` as ``cifar10``."""
    return word.lower().replace("-", "").replace("_", "")


_BY_LETTERS = {letters(name): facts for name, facts in KNOWN_DATA.items()}
