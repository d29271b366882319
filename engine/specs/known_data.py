"""The shape of the images and the number of classes of the datasets known by name."""

from __future__ import annotations

from typing import NamedTuple


class DataFacts(NamedTuple):
    """What a network has to fit; None for what is not known without reading the data."""

    name: str = ""
    shape: tuple[int, int, int] | None = None
    """``(C, H, W)`` of every image."""
    classes: int | None = None

    @property
    def words(self) -> str:
        """The dataset as the subject of a sentence."""
        return self.name or "the data"


KNOWN_DATA = {
    facts.name: facts
    for facts in (
        DataFacts("digits", (1, 8, 8), 10),
        DataFacts("shapes", (3, 32, 32), 10),
        DataFacts("mnist", (1, 28, 28), 10),
        DataFacts("fashion-mnist", (1, 28, 28), 10),
        DataFacts("cifar10", (3, 32, 32), 10),
        DataFacts("cifar100", (3, 32, 32), 100),
    )
}


def letters(word: str) -> str:
    """A name without case, dashes and underscores: ``CIFAR-10`` as ``cifar10``."""
    return word.lower().replace("-", "").replace("_", "")


_BY_LETTERS = {letters(name): facts for name, facts in KNOWN_DATA.items()}


def facts_of(data: str) -> DataFacts:
    """What is known of the data of a network; nothing about folders and files."""
    return _BY_LETTERS.get(letters(data), DataFacts())
