"""What is known of the datasets, and a network that is fitted to one."""

from __future__ import annotations

import msgspec
import pytest

from cnn_tui.engine.data.catalog import entries, load_dataset
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check_with_data
from cnn_tui.engine.specs.fitting import fit_to_data, with_data
from cnn_tui.engine.specs.known_data import KNOWN_DATA, DataFacts, facts_for, facts_of
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.write import to_quick

LENET = load_preset("lenet5")


def changed(network: Network, **fields: object) -> Network:
    return msgspec.structs.replace(network, **fields)


PUBLISHED = """
digits 1x8x8 10            shapes 3x32x32 10          mnist 1x28x28 10
fashion-mnist 1x28x28 10   kmnist 1x28x28 10          cifar10 3x32x32 10
cifar100 3x32x32 100       imagenette 3x160x160 10    pathmnist 3x28x28 9
dermamnist 3x28x28 7       octmnist 1x28x28 4         pneumoniamnist 1x28x28 2
retinamnist 3x28x28 5      breastmnist 1x28x28 2      bloodmnist 3x28x28 8
tissuemnist 1x28x28 8      organamnist 1x28x28 11     organcmnist 1x28x28 11
organsmnist 1x28x28 11
"""


def test_sizes_and_classes_are_those_that_were_published() -> None:
    known = (
        (facts.name, format_shape(facts.shape or ()), str(facts.classes))
        for facts in KNOWN_DATA.values()
    )
    assert " ".join(PUBLISHED.split()) == " ".join(" ".join(words) for words in known)


def test_the_list_of_datasets_says_the_same() -> None:
    listed = {entry.name: (entry.input, entry.classes) for entry in entries() if entry.input}
    assert listed == {name: facts[1:3] for name, facts in KNOWN_DATA.items()}


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_what_is_known_of_built_in_data_is_true(name: str) -> None:
    data = load_dataset(name)
    assert (data.input_shape, len(data.classes)) == KNOWN_DATA[name][1:3]


@pytest.mark.parametrize("spelt", ["CIFAR-10", "cifar_10", "cifar10"])
def test_a_name_is_known_however_it_is_spelt(spelt: str) -> None:
    assert facts_of(spelt) is KNOWN_DATA["cifar10"] and facts_of(spelt).words == "cifar10"
    assert facts_of(f"{spelt}/") == DataFacts() and DataFacts().words == "the data"


@pytest.mark.parametrize(
    ("data", "suiting", "others"),
    [
        ("digits", ((1, 8, 8),), ((1, 8, 9), (1, 8, 7), (1, 32, 32))),
        ("shapes", ((3, 32, 32), (3, 16, 17), (3, 16, 16)), ((3, 16, 15), (3, 15, 16))),
    ],
)
def test_which_inputs_suit_the_data(data: str, suiting: tuple, others: tuple) -> None:
    assert all(facts_of(data).suits(shape) for shape in suiting)
    assert not any(facts_of(data).suits(shape) for shape in others)


@pytest.mark.parametrize(
    ("data", "listed", "classes"),
    [
        ("a/folder", (), None),
        ("a/folder", ("cat",), None),
        ("a/folder", ("cat", "cat"), None),
        ("a/folder", ("cat", "dog"), 2),
        ("mnist", ("cat", "dog"), 10),
    ],
)
def test_how_many_classes_a_network_says(data: str, listed: tuple, classes: int | None) -> None:
    assert facts_for(Network(data=data, classes=listed)).classes == classes


@pytest.mark.parametrize("data", ["shapes", "imagenette"])
def test_data_that_comes_at_any_size_keeps_the_input(data: str) -> None:
    for name in ("alexnet", "alexnet-lrn", "vgg16", "resnet18", "resnet50"):
        large = load_preset(name)
        net = fit_to_data(changed(large, data=data), facts_of(data))
        assert net.input == large.input and net.layers[-1].out_features == 10
        assert check_with_data(net).valid
    small = changed(load_preset("two-layer"), data=data)
    assert fit_to_data(small, facts_of(data)).input == facts_of(data).shape, "8x8 shows nothing"


@pytest.mark.parametrize("name", KNOWN_DATA)
def test_a_network_is_fitted_to_other_data(name: str) -> None:
    facts = facts_of(name)
    net = fit_to_data(changed(LENET, data=name), facts)
    kept = LENET.input if facts.any_size else facts.shape
    assert (net.input, net.layers[-1].out_features) == (kept, facts.classes)
    assert fit_to_data(net, facts_of("a/folder")) == net


@pytest.mark.parametrize(
    ("line", "fitted"),
    [
        ("relu | conv 4 1x1 | gap", "relu | conv 10 1x1 | gap"),
        ("conv 4 1x1 | relu | gap", "conv 10 1x1 | relu | gap"),
        ("fc 9 | relu | fc 4", "fc 9 | relu | fc 10"),
        ("fc 9 | fc 4 | relu", "fc 9 | fc 4 | relu"),
        ("conv 4 1x1 | gap | relu", "conv 4 1x1 | gap | relu"),
        ("fc 10", "fc 10"),
        ("relu", "relu"),
    ],
)
def test_the_last_layer_gives_a_score_for_each_class(line: str, fitted: str) -> None:
    network = fit_to_data(Network(input=(1, 8, 8), layers=parse_quick(line)), facts_of("digits"))
    assert to_quick(network.layers) == to_quick(parse_quick(fitted))


LARGE = Network(
    input=(3, 64, 64),
    data="ImageNet",
    layers=parse_quick("conv 8 | gap | fc 1000"),
    classes=("cat", "dog"),
    labels_from="names",
    training=Recipe(epochs=90, batch_size=128, lr=0.5),
)


@pytest.mark.parametrize(
    ("before", "data", "recipe"),
    [
        ("ImageNet", "imagenette", Recipe(epochs=10, batch_size=32, lr=0.05)),
        ("imagenet", "cifar10", Recipe(epochs=10, batch_size=32, lr=0.05)),
        ("imagenet", "a/folder", LARGE.training),
        ("a/folder", "cifar10", LARGE.training),
        ("mnist", "cifar10", LARGE.training),
    ],
)
def test_a_recipe_for_a_million_images_is_brought_down(
    before: str, data: str, recipe: Recipe
) -> None:
    found = with_data(changed(LARGE, data=before), data)
    assert (found.data, found.training) == (data, recipe)
    assert (found.classes, found.labels_from) == ((), ""), "those of the data before"
    small = with_data(LARGE.with_training(epochs=3, batch_size=8), "shapes").training
    assert (small.epochs, small.batch_size) == (3, 8)
