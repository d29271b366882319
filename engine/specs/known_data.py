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


def facts_of(data: str) -> DataFacts:
    """What is known of the data of a network, however spelt; nothing of folders and files."""
    name = data.lower().replace("_", "-")
    spelt = {"cifar-10": "cifar10", "cifar-100": "cifar100", "fashionmnist": "fashion-mnist"}
    return KNOWN_DATA.get(spelt.get(name, name), DataFacts())
