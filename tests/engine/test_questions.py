"""What a network gets wrong, and where it looked: confusion, mistakes, saliency and its kin."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from samples import assert_rounded, network, randomize
from sessions import noise_set, small_network

from cnn_tui.engine.build import build
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.answers import answers
from cnn_tui.engine.insight.asked import ask
from cnn_tui.engine.insight.confusion import confusion, images_of
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.grad_cam import grad_cam
from cnn_tui.engine.insight.mistakes import mistakes
from cnn_tui.engine.insight.occlusion import occlusion
from cnn_tui.engine.insight.passes import CancelledError
from cnn_tui.engine.insight.saliency import last_layers, rank_correlation, saliency
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.specs.layers import FC, AvgPool, Conv, GlobalAvgPool, MaxPool, ReLU, Residual
from cnn_tui.engine.specs.network import SVM, Network

DATA = noise_set()


def planted(described: Network | None = None, seed: int = 2) -> Subject:
    described = described or small_network()
    model = build(described)
    randomize(model, seed)
    ones = np.ones((1, 1, 1), np.float32)
    eye = Eye(Normalizer(8 * ones, 5 * ones), 16.0)
    return Subject(described, model, "planted", "by hand", DATA.classes, eye, DATA)


def brute_force(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Targets and scores of the validation split."""
    images = subject.eye.normalizer.apply(DATA.val.images[:])
    return DATA.val.labels, subject.model.forward(images)


def test_the_matrix_counts_every_image_once() -> None:
    with closing(planted()) as subject:
        found, (targets, scores) = confusion(subject), brute_force(subject)
    predicted = scores.argmax(1)
    matrix = np.zeros((3, 3), int)
    for true, taken in zip(targets, predicted, strict=True):
        matrix[true, taken] += 1
    assert np.array(found.matrix).tolist() == matrix.tolist()
    assert found.accuracy == (targets == predicted).mean()
    for at, figures in enumerate(found.per_class):
        taken, there = matrix[:, at].sum(), matrix[at].sum()
        assert figures.support == there
        assert figures.precision == (matrix[at, at] / taken if taken else None)
        assert figures.recall == (matrix[at, at] / there if there else None)
    row = json.loads(msgspec.json.encode(found))["per_class"][0]
    assert row.keys() == {"class", "precision", "recall", "support"}


def test_a_cell_knows_its_images() -> None:
    with closing(planted()) as subject:
        found, counted = answers(subject), confusion(subject)
    for true in range(3):
        for taken in range(3):
            images = images_of(found, true, taken)
            assert len(images) == counted.matrix[true][taken]
            assert all(DATA.val.labels[image] == true for image in images)


def test_mistakes_are_ranked_by_their_loss() -> None:
    with closing(planted()) as subject:
        found, (targets, scores) = mistakes(subject), brute_force(subject)
        wrong = {int(at) for at in np.flatnonzero(scores.argmax(1) != targets)}
        assert {mistake.image for mistake in found.listed} == wrong
        assert (found.wrong, found.images) == (len(wrong), len(targets))
        losses = [mistake.loss for mistake in found.listed]
        assert losses == sorted(losses, reverse=True)
        shifted = scores - scores.max(1, keepdims=True)
        expected = np.log(np.exp(shifted).sum(1)) - shifted[range(len(targets)), targets]
        for mistake in found.listed:
            assert mistake.loss == pytest.approx(expected[mistake.image], rel=1e-4)
            assert mistake.guesses[0].label == "abc"[scores[mistake.image].argmax()]
            assert mistake.true == "abc"[targets[mistake.image]]
        assert len(mistakes(subject, most=1).listed) == 1


def test_answers_can_be_cancelled_and_need_sound_weights() -> None:
    with closing(planted()) as subject:
        with pytest.raises(CancelledError):
            confusion(subject, cancelled=lambda: True)
        subject.model.store.data[:] = np.nan
        for view in (confusion, mistakes, saliency, occlusion, grad_cam):
            with pytest.raises(InsightError, match="not finite: the training of planted diverged"):
                view(subject)  # type: ignore[operator]


def test_a_saliency_that_depends_on_the_last_layers() -> None:
    with closing(planted(network((1, 6, 6), FC(out_features=3)))) as subject:
        found = saliency(subject, 0, "b")
        weight = subject.model.parameters["fc1.weight"].data[1].reshape(6, 6)
    np.testing.assert_allclose(found.map, np.abs(weight), rtol=1e-6)
    assert found.layers == ("fc1",)
    assert found.correlation is not None and abs(found.correlation) < 0.5
    assert "depends on what the last layers learnt" in found.verdict
    json.dumps(found.to_json())


def test_a_saliency_that_does_not_depend_on_the_last_layers_is_told_as_such() -> None:
    """Planted: a single number goes from the convolution to the scores."""
    layers = (Conv(out_channels=1, kernel_size=6, bias=False), FC(out_features=3))
    with closing(planted(network((1, 6, 6), *layers))) as subject:
        found = saliency(subject, 0, "b")
    assert found.layers == ("fc2",)
    assert not np.allclose(found.map, found.redrawn)
    assert found.correlation == pytest.approx(1)
    assert "does not depend on what the last layers learnt" in found.verdict


def test_a_score_that_no_pixel_moves() -> None:
    with closing(planted()) as subject:
        subject.model.parameters["fc6.weight"].data[...] = 0
        found = saliency(subject)
    assert found.correlation is None
    assert "does not depend on the pixels" in found.verdict


def test_the_last_layers_are_those_behind_the_convolutions() -> None:
    cases = [
        ((Conv(out_channels=2), FC(out_features=4), ReLU(), FC(out_features=3)), ("fc2", "fc4")),
        ((FC(out_features=4), ReLU(), FC(out_features=3)), ("fc1", "fc3")),
        ((Conv(out_channels=4), ReLU(), Conv(out_channels=3), GlobalAvgPool()), ("conv3",)),
    ]
    for layers, expected in cases:
        with closing(planted(network((1, 6, 6), *layers))) as subject:
            assert last_layers(subject) == expected


def test_rank_correlation_with_ties() -> None:
    first = np.array([1, 2, 2, 3, 10], np.float32)
    assert rank_correlation(first, first**3) == pytest.approx(1)
    assert rank_correlation(first, -first) == pytest.approx(-1)
    # Ranks 1, 2.5, 2.5, 4, 5 and 2.5, 2.5, 2.5, 2.5, 5.
    assert rank_correlation(first, np.array([0, 0, 0, 0, 1], np.float32)) == pytest.approx(
        0.7254763, rel=1e-6
    )
    assert rank_correlation(first, np.zeros(5, np.float32)) is None


def test_occlusion_is_the_network_on_each_covered_image() -> None:
    with closing(planted()) as subject:
        found = occlusion(subject, 2, "c", patch=3, stride=2)
        image = subject.example(2).images
        for row, top in enumerate((0, 2)):
            for column, left in enumerate((0, 2)):
                covered = image.copy()
                covered[..., top : top + 3, left : left + 3] = 0
                scores = subject.model.forward(covered)[0].astype(float)
                powers = np.exp(scores - scores.max())
                expected = powers[2] / powers.sum()
                assert found.map[row, column] == pytest.approx(expected, abs=1e-5)
        assert found.map.shape == (2, 2)
        json.dumps(found.to_json())


def test_occlusion_of_an_svm_shows_its_score() -> None:
    with closing(planted(network((1, 6, 6), FC(out_features=3), loss=SVM()))) as subject:
        found = occlusion(subject, 0, 0)
        assert found.whole == pytest.approx(subject.scores(subject.example(0).images)[0, 0])


def test_occlusion_refuses_a_patch_that_cannot_cover() -> None:
    with closing(planted()) as subject:
        for patch, stride in ((7, 1), (0, 1), (3, 0)):
            with pytest.raises(InsightError, match="cannot cover an image of 6x6"):
                occlusion(subject, patch=patch, stride=stride)


def test_grad_cam_is_taken_after_the_activation() -> None:
    with closing(planted()) as subject:
        found = grad_cam(subject, "conv1", 1, "a")
        assert found.layer == "relu3" == grad_cam(subject).layer
        with subject.model.opened(subject.example(1).images) as inside:
            maps, slopes = inside.output("relu3")[0], inside.gradient("relu3", 0)[0]
    weights = slopes.mean(axis=(1, 2))
    expected = np.maximum((weights[:, None, None] * maps).sum(0), 0)
    assert_rounded(found.map, expected)
    json.dumps(found.to_json())


def test_grad_cam_looks_at_the_last_layer_with_places() -> None:
    block = Residual(branch=(Conv(out_channels=2, padding=1),))
    layers = (Conv(out_channels=2), ReLU(), block, ReLU(), AvgPool(), FC(out_features=3))
    with closing(planted(network((1, 6, 6), *layers))) as subject:
        assert grad_cam(subject).layer == "relu4"
        with pytest.raises(InsightError, match="The layer fc6 has no places"):
            grad_cam(subject, "fc6")
    with (
        closing(planted(network((1, 6, 6), FC(out_features=3)))) as flat,
        pytest.raises(InsightError, match="has no conv layer"),
    ):
        grad_cam(flat)
    with closing(planted(network((1, 6, 6), Conv(out_channels=2), MaxPool(), classes=3))) as pooled:
        assert grad_cam(pooled).layer == "conv1"


def test_without_a_class_it_is_the_predicted_one() -> None:
    with closing(planted()) as subject:
        asked = ask(subject, 3, None)
        assert asked.classes[asked.label] == asked.guesses[0].label
        assert asked.target == "abc"[DATA.val.labels[3]]
        with pytest.raises(InsightError, match="no class d"):
            ask(subject, 3, "d")
        with pytest.raises(InsightError, match="no image 99"):
            ask(subject, 99, None)


def test_the_picture_of_a_file_has_no_class(tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image")
    images.fromarray(np.zeros((12, 12), np.uint8)).save(tmp_path / "x.png")
    with closing(planted()) as subject:
        found = saliency(subject, tmp_path / "x.png")
    assert found.asked.target == ""
    assert found.to_json()["note"] == "The picture of 12x12 pixels was fitted to 6x6."
