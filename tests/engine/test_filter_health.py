"""Filter health: planted faults, all of them and no others, and the definitions case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from looking import random_data, subject_of, trained_subject
from planting import KINDS, NOISE, findings, plant
from sabotage import digits, first
from samples import network

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.health import FilterHealth, health
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.verdict import LayerFilters
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import (
    BatchNorm,
    Conv,
    Layer,
    LeakyReLU,
    MaxPool,
    Merge,
    Parallel,
    ReLU,
    Residual,
    Sigmoid,
)
from cnn_tui.engine.specs.network import Recipe

SHAPE = (2, 8, 8)
DATA = random_data(SHAPE)
_CIFAR = Path(__file__).parents[2] / ".." / "shared" / "data" / "cifar-10-batches-bin"


@pytest.fixture(scope="module")
def trained() -> Iterator[Subject]:
    with closing(trained_subject("digits-convnet", digits(), epochs=12)) as subject:
        yield subject


def judged(*layers: Layer, change: Callable[[dict[str, np.ndarray]], None]) -> LayerFilters:
    """The health of the first conv layer of a network with random weights, changed by hand."""
    described = network(SHAPE, *layers, classes=3)
    with closing(subject_of(described, DATA)) as subject:
        weights = subject.weights()
        change(weights)
        with closing(subject.with_weights(weights, "changed")) as changed:
            return health(changed).layers[0]


def assert_all_found(subject: Subject, trials: int, capsys: pytest.CaptureFixture[str]) -> None:
    """All faults of some plantings are found, and no others; prints the counts."""
    whole = health(subject)
    # A filter may die in a short training; that is no false alarm.
    assert [layer.flagged for layer in whole.layers] == [layer.dead for layer in whole.layers]
    found, missed, others = Counter[str](), Counter[str](), []
    for seed in range(trials):
        planted, faults = plant(subject, seed, sparing=whole.flagged)
        with closing(planted):
            results = findings(planted, health(planted), faults, before=whole.flagged)
        for finding in results:
            if finding.kind == "other":
                others.append(finding.what)
            elif finding.kind in KINDS:
                (found if finding.found else missed)[finding.kind] += 1
    with capsys.disabled():
        name = subject.network.name
        print(f"\n{name}: {found.total()} found, {missed.total()} missed, {len(others)} others")
    # Of white noise in filters of 25 weights, one in 80 is like a trained one by chance.
    assert missed.total() <= 1 and {*missed} <= {*NOISE} and not others
    assert found.total() > 4 * trials


def test_planted_faults_of_a_small_network(trained: Subject) -> None:
    # Filters of its first layer have 9 weights, too few to tell noise from.
    planted, faults = plant(trained, 3, [kind for kind in KINDS if kind not in NOISE])
    with closing(planted):
        results = findings(planted, health(planted), faults, before={})
    assert results
    assert [one for one in results if one.kind == "other" or not one.found] == []


@pytest.mark.slow
def test_planted_faults_of_lenet5(mnist_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = first(load_dataset("mnist", mnist_dir), 10_000, 500)
    with closing(trained_subject("lenet5", data, epochs=4)) as subject:
        assert_all_found(subject, 12, capsys)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("preset", ["cifar-convnet", "resnet20"])
def test_planted_faults_of_networks_of_3x3_filters(
    preset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not _CIFAR.is_dir():
        pytest.skip("no CIFAR-10 files here (expected in ../shared/data/cifar-10-batches-bin)")
    data = first(load_dataset("cifar10", _CIFAR), 600, 150)
    with closing(trained_subject(preset, data, epochs=3)) as subject:
        assert_all_found(subject, 5, capsys)


def test_all_filters_of_an_untrained_network_are_like_noise() -> None:
    described = network(SHAPE, Conv(out_channels=12, kernel_size=5), ReLU(), classes=3)
    with closing(subject_of(described, DATA)) as subject:
        (layer,) = health(subject).layers
    assert len(layer.noisy) >= 11 and layer.distinct == 12


@pytest.mark.parametrize("kernel", [1, 2])
def test_kernels_without_space_are_never_like_noise(kernel: int) -> None:
    layer = judged(Conv(out_channels=8, kernel_size=kernel), ReLU(), change=lambda weights: None)
    assert layer.noisy == () and layer.roughness == (None,) * 8


@pytest.mark.parametrize(
    "pooled", [(), (MaxPool(),)], ids=["directly", "before a pool that comes first"]
)
def test_a_filter_is_dead_if_its_relu_is_zero_everywhere(pooled: tuple[Layer, ...]) -> None:
    def change(weights: dict[str, np.ndarray]) -> None:
        weights["conv1.bias"][2] = -100
        weights["conv1.bias"][3] = 100

    layer = judged(Conv(out_channels=4), *pooled, ReLU(), change=change)
    assert layer.dead == (2,) and layer.active[2:] == (0, 1)


def test_one_value_above_zero_is_alive() -> None:
    def change(weights: dict[str, np.ndarray]) -> None:
        described = network(SHAPE, Conv(out_channels=4), ReLU(), classes=3)
        with closing(subject_of(described, DATA)) as same:
            images = same.images().images
            with same.model.opened(images) as inside:
                top = inside.output("conv1")[:, 1].max()
        weights["conv1.bias"][1] = -top * (1 - 1e-3)

    layer = judged(Conv(out_channels=4), ReLU(), change=change)
    assert layer.dead == () and 0 < layer.active[1] < 0.001


@pytest.mark.parametrize("activation", [ReLU(), LeakyReLU(), Sigmoid()])
def test_a_filter_of_zeros_is_dead_whatever_its_bias(activation: Layer) -> None:
    def change(weights: dict[str, np.ndarray]) -> None:
        weights["conv1.weight"][[0, 2]] = 0
        weights["conv1.bias"][2] = 0.7

    assert judged(Conv(out_channels=4), activation, change=change).dead == (0, 2)


@pytest.mark.parametrize(
    ("activation", "dead"), [(Sigmoid(), (1,)), (LeakyReLU(), ()), (ReLU(), (1,))]
)
def test_a_large_negative_bias(activation: Layer, dead: tuple[int, ...]) -> None:
    def change(weights: dict[str, np.ndarray]) -> None:
        weights["conv1.bias"][1] = -100

    assert judged(Conv(out_channels=4), activation, change=change).dead == dead


def test_dead_through_a_batch_norm() -> None:
    def change(weights: dict[str, np.ndarray]) -> None:
        weights["bn2.weight"][0] = 0
        weights["bn2.bias"][0] = 0.5
        weights["bn2.bias"][1] = -100

    assert judged(Conv(out_channels=4), BatchNorm(), ReLU(), change=change).dead == (0, 1)


def test_dead_at_the_end_of_a_branch() -> None:
    block = Residual(branch=(Conv(out_channels=2, padding=1), BatchNorm()), shortcut="identity")

    def change(weights: dict[str, np.ndarray]) -> None:
        weights["residual1.bn2.bias"][1] = -100

    assert judged(block, ReLU(), change=change).dead == (1,)


def copied(weights: dict[str, np.ndarray], factor: float, bias: float = 0.0) -> None:
    weights["conv1.weight"][3] = factor * weights["conv1.weight"][1]
    weights["conv1.bias"][3] = factor * weights["conv1.bias"][1] + bias


@pytest.mark.parametrize(
    ("factor", "bias", "groups"),
    [
        (1, 0, ((1, 3),)),
        (1e-3, 0, ((1, 3),)),
        (50, 0, ((1, 3),)),
        (-1, 0, ()),
        (1, 0.1, ((1, 3),)),
        (1, -3, ()),
    ],
    ids=["copied", "smaller", "larger", "negated", "other bias", "responds to other images"],
)
def test_duplicates(factor: float, bias: float, groups: tuple[tuple[int, ...], ...]) -> None:
    layer = judged(
        Conv(out_channels=4),
        ReLU(),
        change=lambda weights: copied(weights, factor, bias),
    )
    assert layer.duplicates == groups
    assert layer.distinct == 4 - len(groups)


def test_a_batch_norm_with_a_negative_scale_makes_a_copy_a_negative() -> None:
    def change(weights: dict[str, np.ndarray], factor: float) -> None:
        copied(weights, factor)
        weights["bn2.weight"][3] = -1

    layers = (Conv(out_channels=4), BatchNorm(), ReLU())
    assert judged(*layers, change=lambda w: change(w, 1)).duplicates == ()
    assert judged(*layers, change=lambda w: change(w, -1)).duplicates == ((1, 3),)


def test_a_copy_of_a_dead_filter_is_dead_not_a_duplicate() -> None:
    def change(weights: dict[str, np.ndarray]) -> None:
        weights["conv1.bias"][1] = -100
        copied(weights, 1)

    layer = judged(Conv(out_channels=4), ReLU(), change=change)
    assert (layer.dead, layer.duplicates, layer.distinct) == ((1, 3), (), 2)


def test_equal_filters_of_other_channels_are_no_duplicates() -> None:
    layer = judged(
        Conv(out_channels=4, groups=2), ReLU(), change=lambda weights: copied(weights, 1)
    )
    assert layer.duplicates == ()
    assert layer.largest_cosine == pytest.approx(1)


def test_depthwise_filters_are_no_copies_of_each_other() -> None:
    def alike(weights: dict[str, np.ndarray]) -> None:
        weights["conv1.weight"][1] = weights["conv1.weight"][0]
        weights["dwconv2.weight"][1:] = weights["dwconv2.weight"][0]
        weights["dwconv2.weight"][3] = 0

    described = network(
        SHAPE, Conv(out_channels=4), DWConv(kernel_size=3, multiplier=2), ReLU(), classes=3
    )
    with closing(subject_of(described, DATA)) as subject:
        weights = subject.weights()
        alike(weights)
        with closing(subject.with_weights(weights, "changed")) as changed:
            plain, deep = health(changed).layers
    assert plain.duplicates == ((0, 1),)
    # Two filters of one channel may do the same; those of equal channels are left to the layer
    # that makes these.
    assert (deep.filters, deep.dead) == (8, (3,))
    assert deep.duplicates == ((0, 1), (4, 5), (6, 7))


def test_noise_is_found_among_depthwise_filters() -> None:
    described = network(SHAPE, DWConv(kernel_size=5, padding=2, multiplier=8), ReLU(), classes=3)
    with closing(subject_of(described, DATA)) as subject:
        (layer,) = health(subject).layers
    assert len(layer.noisy) >= 14 and layer.filters == 16


@pytest.mark.parametrize("merge", ["concat", "add", "multiply"])
def test_a_filter_is_dead_where_the_relu_after_a_merge_is_silent(merge: Merge) -> None:
    left, right = (Conv(out_channels=3, kernel_size=1, name=name) for name in ("left", "right"))
    block = Parallel(branches=((left, ReLU()) if merge == "multiply" else (left,), (right,)))
    described = network(
        SHAPE, msgspec.structs.replace(block, merge=merge), ReLU(), Conv(out_channels=2), classes=3
    )
    with closing(subject_of(described, DATA)) as subject:
        weights = subject.weights()
        weights["right.bias"][1] = -1e3
        with closing(subject.with_weights(weights, "changed")) as changed:
            found = {layer.layer: layer.dead for layer in health(changed).layers}
    assert found["right"] == (1,)
    assert found["left"] == (() if merge != "add" else (1,))


def test_the_filters_of_a_share_are_judged_by_what_they_read() -> None:
    shares = (Conv(out_channels=3, name="left"), Conv(out_channels=3, name="right"))
    block = Parallel(branches=tuple((share,) for share in shares), split=True)
    described = network(SHAPE, Conv(out_channels=4), block, ReLU(), classes=3)
    assert wired(described)["right"].source == ("conv1", 2)
    with closing(subject_of(described, DATA)) as subject:
        assert [layer.filters for layer in health(subject).layers] == [4, 3, 3]


def test_the_json_has_the_agreed_fields(trained: Subject) -> None:
    found = msgspec.to_builtins(health(trained, ["conv3"]))
    (layer,) = found["layers"]
    agreed = {"layer", "filters", "dead", "duplicates", "noisy", "effective_rank", "distinct"}
    assert agreed | {"verdict"} <= {*layer} and layer["layer"] == "conv3"
    assert msgspec.json.decode(msgspec.json.encode(found)) == msgspec.json.decode(
        msgspec.json.encode(health(trained, ["conv3"]))
    )


def test_flagged_are_the_dead_the_surplus_and_the_noise(trained: Subject) -> None:
    layer = msgspec.structs.replace(
        health(trained).layers[0], dead=(1,), duplicates=((2, 5, 7),), noisy=(5, 9)
    )
    assert layer.flagged == (1, 5, 7, 9)
    assert FilterHealth((layer,), 1).flagged == {"conv1": (1, 5, 7, 9)}


def test_progress_and_cancelling(trained: Subject) -> None:
    shares: list[float] = []
    health(trained, watcher=Watcher(shares.append))
    assert shares == sorted(shares) and shares[-1] == 1
    with pytest.raises(CancelledError):
        health(trained, watcher=Watcher(cancelled=lambda: True))


def test_what_cannot_be_judged(trained: Subject) -> None:
    with pytest.raises(InsightError, match="no layer called conv2"):
        health(trained, ["conv2"])
    weights = trained.weights()
    weights["conv1.weight"][0] = np.nan
    diverged = trained.with_weights(weights, "diverged")
    with closing(diverged), pytest.raises(InsightError, match="conv1 are not finite"):
        health(diverged)
    flat = subject_of(network(SHAPE, classes=3, training=Recipe()), DATA)
    with closing(flat), pytest.raises(InsightError, match="no conv layer"):
        health(flat)
