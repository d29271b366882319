"""Confusion, saliency, occlusion and Grad-CAM: by hand, and on planted cases."""

from __future__ import annotations

import math
from contextlib import closing

import msgspec
import numpy as np
import pytest
from samples import randomize
from test_slide import subject_of

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.confusion import Confusion, confusion, worst_pairs
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.engine.insight.grad_cam import grad_cam
from cnn_tui.engine.insight.occlusion import occlusion
from cnn_tui.engine.insight.saliency import last_layers, rank_correlation, saliency
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    GlobalAvgPool,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
    Sigmoid,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset

NETWORK = Network(
    input=(2, 12, 10),
    layers=(Conv(5, 3), ReLU(), MaxPool(2), Conv(6, 3, padding=1), ReLU(), FC(9), ReLU(), FC(4)),
)


def example_of(subject: Subject, seed: int = 0) -> Examples:
    pictures = np.random.default_rng(seed).integers(0, 256, (1, *subject.network.input), np.uint8)
    unknown = np.array([-1])
    return Examples(subject.eye.normalizer.apply(pictures), unknown, pictures, unknown)


def by_hand(scores: list[list[float]], targets: list[int]) -> Confusion:
    return Confusion("test", ("a", "b", "c"), np.array(targets), np.array(scores))


def test_the_matrix_has_the_true_class_in_rows() -> None:
    found = by_hand([[2, 1, 0], [2, 1, 0], [0, 3, 0], [1, 0, 0], [0, 9, 1]], [0, 1, 1, 1, 0])
    assert found.matrix.tolist() == [[1, 1, 0], [2, 1, 0], [0, 0, 0]]
    assert found.accuracy == 0.4
    a, b, c = found.per_class()
    assert (a.precision, a.recall, a.support) == (1 / 3, 1 / 2, 2)
    assert (b.precision, b.recall, b.support) == (1 / 2, 1 / 3, 3)
    assert (c.precision, c.recall, c.support) == (None, None, 0)
    assert worst_pairs(found) == [(1, 0, 2), (0, 1, 1)]
    plain = msgspec.json.decode(msgspec.json.encode(found.to_json()))
    assert plain["per_class"][0] == {
        "class": "a", "precision": 1 / 3, "recall": 1 / 2, "support": 2,
    }  # fmt: skip


def test_mistakes_come_by_loss() -> None:
    found = by_hand([[2, 1, 0], [3, 1, 0], [0, 3, 0], [1, 0, 0], [0, 9, 1]], [0, 1, 1, 1, 0])
    worst = found.mistakes()
    assert [mistake.index for mistake in worst] == [4, 1, 3]
    assert worst[0].loss == pytest.approx(math.log(math.exp(9) + math.exp(1) + 1))
    assert worst[0].top[0] == (1, pytest.approx(math.exp(9 - worst[0].loss)))
    assert [label for label, _ in worst[0].top] == [1, 2, 0]
    assert found.mistakes(1) == worst[:1]
    plain = msgspec.json.decode(msgspec.json.encode(found.mistakes_json(2)))
    assert plain["wrong"] == 3 and [each["image"] for each in plain["mistakes"]] == [4, 1]


def test_a_split_is_classified_whole() -> None:
    subject, shares = subject_of(load_preset("digits-convnet")), list[float]()
    found = confusion(subject, "test", watcher=Watcher(shares.append))
    assert shares[-1] == 1
    examples = subject.images("test")
    np.testing.assert_allclose(found.scores, subject.model.forward(examples.images), atol=1e-5)
    assert found.matrix.sum() == len(examples)
    with pytest.raises(CancelledError):
        confusion(subject, "test", watcher=Watcher(cancelled=lambda: True))


def test_saliency_is_the_slope_of_the_score() -> None:
    subject = subject_of(NETWORK)
    example = example_of(subject)
    seen = saliency(subject, example, 2)
    assert seen.map.shape == (12, 10) and 0 < seen.probability < 1
    row, column = np.unravel_index(int(seen.map.argmax()), seen.map.shape)
    steps = []
    for channel in range(2):
        images = np.repeat(example.images, 2, 0)
        images[0, channel, row, column] += 1e-3
        images[1, channel, row, column] -= 1e-3
        scores = subject.model.forward(images)[:, 2]
        steps.append(abs(float(scores[0] - scores[1])) / 2e-3)
    assert max(steps) == pytest.approx(float(seen.map[row, column]), rel=1e-2)


def test_a_map_that_ignores_the_last_layers_is_told() -> None:
    one = Network(input=(2, 12, 10), layers=(Conv(1, 3), ReLU(), GlobalAvgPool(), FC(4)))
    subject = subject_of(one)
    seen = saliency(subject, example_of(subject))
    assert seen.redrawn == ("fc4",) and seen.correlation == pytest.approx(1)
    assert seen.verdict.startswith("The map does not depend on fc4")


def test_a_map_that_depends_on_them_is_not_accused() -> None:
    subject = subject_of(NETWORK)
    seen = saliency(subject, example_of(subject))
    assert seen.redrawn == ("fc6", "fc8")
    assert seen.correlation < 0.9 and "it depends on what was learnt" in seen.verdict


def test_without_fc_layers_the_last_convolution_is_drawn_anew() -> None:
    subject = subject_of(load_preset("all-conv"))
    assert last_layers(subject) == (subject.conv_layers()[-1],)


def test_a_gradient_of_zero_is_said() -> None:
    subject = subject_of(NETWORK)
    for name in ("fc8.weight",):
        subject.model.parameters[name].data[...] = 0
    seen = saliency(subject, example_of(subject))
    assert seen.verdict.startswith("No pixel changes the score")
    assert seen.correlation == 0


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 99], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([1, 1, 2, 2], [5, 5, 7, 7], 1),
        ([1, 2, 3], [7, 7, 7], 0),
        ([1, 2, 2, 3], [1, 3, 2, 4], 0.9486832980505138),
    ],
)
def test_rank_correlation(first: list[float], second: list[float], expected: float) -> None:
    assert rank_correlation(np.array(first), np.array(second)) == pytest.approx(expected)


def test_occlusion_is_the_probability_with_a_patch() -> None:
    subject, shares = subject_of(NETWORK), list[float]()
    example = example_of(subject)
    seen = occlusion(subject, example, 1, patch=3, stride=2, watcher=Watcher(shares.append))
    assert seen.map.shape == (5, 4) and shares[-1] == 1
    covered = example.images.copy()
    covered[:, :, 4:7, 6:9] = 0
    scores = subject.model.forward(covered)[0].astype(float)
    assert seen.map[2, 3] == pytest.approx(np.exp(scores[1]) / np.exp(scores).sum(), abs=1e-6)
    with pytest.raises(CancelledError):
        occlusion(subject, example, watcher=Watcher(cancelled=lambda: True))
    with pytest.raises(InsightError, match="A patch of 11 pixels"):
        occlusion(subject, example, patch=11)


def test_occlusion_finds_the_only_part_that_counts() -> None:
    linear = Network(input=(1, 9, 9), layers=(FC(2),))
    subject = subject_of(linear)
    weight = subject.model.parameters["fc1.weight"].data
    weight[...] = 0
    weight.reshape(2, 9, 9)[1, 4, 4] = 5
    pictures = np.full((1, 1, 9, 9), 200, np.uint8)
    unknown = np.array([-1])
    example = Examples(subject.eye.normalizer.apply(pictures), unknown, pictures, unknown)
    seen = occlusion(subject, example, patch=3, stride=1)
    assert seen.of_class == 1
    low = seen.map < seen.probability - 0.1
    assert low[2:5, 2:5].all() and low.sum() == 9


def test_grad_cam_by_its_formula() -> None:
    subject = subject_of(NETWORK)
    example = example_of(subject)
    seen = grad_cam(subject, example, "conv4", of_class=3)
    with subject.model.opened(example.images) as inside:
        maps, gradient = inside.output("relu5")[0], inside.gradient("relu5", 3)[0]
    expected = sum(gradient[k].mean() * maps[k] for k in range(6)).clip(0)
    np.testing.assert_allclose(seen.map, expected, atol=1e-6)
    assert grad_cam(subject, example).layer == "conv4"
    for layer, words in (("fc8", "not a convolution"), ("conv5", "Did you mean conv")):
        with pytest.raises(InsightError, match=words):
            grad_cam(subject, example, layer)
    with pytest.raises(InsightError, match="no class 4"):
        grad_cam(subject, example, of_class=4)


def test_grad_cam_begins_with_a_convolution_on_the_way_that_has_places() -> None:
    gate = (GlobalAvgPool(), Conv(4, 1, name="squeeze"), Sigmoid())
    last = Residual(branch=(Conv(4, 1, name="way"),), shortcut=(Conv(4, 1, name="aside"),))
    layers = (Conv(4, 3), last, Parallel(((), gate), merge="multiply"), FC(3))
    subject = subject_of(Network(input=(1, 8, 8), layers=layers))
    assert grad_cam(subject, example_of(subject)).layer == "way"
    assert grad_cam(subject, example_of(subject), "squeeze").map.shape == (1, 1)


@pytest.mark.parametrize("look", [saliency, grad_cam, occlusion])
def test_weights_that_are_not_finite_are_refused(look) -> None:  # type: ignore[no-untyped-def]
    subject = subject_of(NETWORK)
    subject.model.parameters["conv1.weight"].data[0] = np.nan
    with pytest.raises(InsightError, match="conv1 are not finite"):
        look(subject, example_of(subject))


@pytest.mark.parametrize("name", ["lenet5", "digits-convnet", "cifar-convnet", "resnet20"])
def test_against_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    peer = __import__("torch_peer")
    network = load_preset(name)
    subject = subject_of(network)
    with closing(subject.model):
        randomize(subject.model) if name == "digits-convnet" else None
        module = peer.to_torch(network).eval()
        peer.copy_weights(subject.model, module)
        example = example_of(subject, 7)
        pixels = torch.tensor(example.images, requires_grad=True)
        conv = subject.conv_layers()[-1]
        kept = {}
        hook = module.get_submodule(subject.response(conv)).register_forward_hook(
            lambda _, given, output: kept.update(maps=output) or output.retain_grad()
        )
        scores = module(pixels).flatten(1)
        scores[0, 3].backward()
        hook.remove()
        theirs = pixels.grad[0].abs().amax(0).numpy()
        ours = saliency(subject, example, 3).map
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * theirs.max())
        maps = kept["maps"]
        weights = maps.grad.mean((2, 3), keepdim=True)
        theirs = torch.relu((weights * maps).sum(1))[0].detach().numpy()
        ours = grad_cam(subject, example, conv, 3).map
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * max(theirs.max(), 1e-12))
        seen = occlusion(subject, example, 3, stride=5)
        with torch.no_grad():
            for (row, column), share in np.ndenumerate(seen.map):
                covered = torch.tensor(example.images)
                top, left = row * 5, column * 5
                covered[:, :, top : top + seen.patch, left : left + seen.patch] = 0
                likely = module(covered).flatten(1).softmax(1)[0, 3]
                assert abs(float(likely) - share) < 1e-4
