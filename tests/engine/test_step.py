"""One output term by term: its terms add up to what the network computes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from test_slide import noise, subject_of

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.step import step
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    MaxPool,
    ReLU,
    Residual,
)
from cnn_tui.engine.specs.network import Network

NETWORK = Network(
    input=(2, 13, 11),
    layers=(
        Conv(6, (3, 2), stride=(2, 1), padding=1, groups=2, name="first"),
        BatchNorm(),
        ReLU(),
        MaxPool(3, stride=2, padding=1, rounding="floor"),
        Conv(6, 3, padding="same", dilation=2, bias=False),
        Residual(branch=(Conv(6, 3, padding=1), ReLU())),
        AvgPool(2, stride=1, padding=1),
        GlobalAvgPool(),
        FC(4),
    ),
)


@pytest.mark.parametrize("layer", ["first", "maxpool4", "conv5", ".conv1", "avgpool7"])
def test_the_terms_add_up(layer: str) -> None:
    subject = subject_of(NETWORK)
    images = subject.eye.normalizer.apply(noise(2, 2, 13, 11))
    with subject.model.opened(images) as inside:
        name = next(name for name in inside.layers if name.endswith(layer))
        output = inside.output(name)[1]
        for channel, row, column in np.ndindex(output.shape):
            seen = step(subject, inside, name, channel=channel, position=(row, column), image=1)
            assert seen.total == pytest.approx(output[channel, row, column], abs=1e-5)
            assert seen.value == output[channel, row, column]
            assert seen.inputs.shape == seen.factors.shape
            assert not seen.inputs[:, ~seen.inside].any()


@pytest.mark.parametrize("layer", ["maxpool4", "avgpool7"])
def test_the_routed_gradients_add_up_to_the_gradient_of_the_input(layer: str) -> None:
    subject = subject_of(NETWORK)
    images = subject.eye.normalizer.apply(noise(1, 2, 13, 11))
    with subject.model.opened(images) as inside:
        shape = inside.output(layer)[0].shape
        steps = [
            step(subject, inside, layer, channel=c, position=(y, x), of_class=2)
            for c, y, x in np.ndindex(shape)
        ]
        expected = inside.gradient(steps[0].source, 2)[0]
    gradient = np.zeros_like(expected)
    for seen in steps:
        for (i, y), (j, x) in (
            (row, column) for row in enumerate(seen.rows) for column in enumerate(seen.columns)
        ):
            if seen.inside[i, j]:
                gradient[seen.channel, y, x] += seen.routed[0, i, j]
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6)


def test_what_follows_is_named() -> None:
    subject = subject_of(NETWORK)
    images = subject.eye.normalizer.apply(noise(1, 2, 13, 11))
    with subject.model.opened(images) as inside:
        seen = step(subject, inside, "first", channel=4)
        assert [name for name, _ in seen.then] == ["bn2", "relu3"]
        assert seen.then[-1][1] == max(0.0, seen.then[0][1])
        assert (seen.source, seen.first_channel, seen.inputs.shape) == ("input", 1, (1, 3, 2))
        assert seen.value == inside.output("first")[0, 4].max()
        assert seen.of_class == inside.logits[0].argmax()
        assert seen.gradient == inside.gradient("first", seen.of_class)[0, 4, *seen.position]
    plain = msgspec.json.decode(msgspec.json.encode(seen.to_json()))
    assert plain["layer"] == "first" and plain["then"][0]["layer"] == "bn2"


@pytest.mark.parametrize(
    ("layer", "asked", "words"),
    [
        ("fc9", {}, "of type fc, which has no window to step through. Choose first"),
        ("fist", {}, "Did you mean first?"),
        ("first", {"channel": 6}, "There is no channel 6: first has 6, counted from 0."),
        ("first", {"position": (7, 0)}, "There is no position 7, 0: the output of first has 7x12"),
        ("first", {"of_class": 4}, "There is no class 4"),
    ],
)
def test_what_is_not_there_is_refused(layer: str, asked: dict[str, object], words: str) -> None:
    subject = subject_of(NETWORK)
    images = subject.eye.normalizer.apply(noise(1, 2, 13, 11))
    with subject.model.opened(images) as inside, pytest.raises(InsightError) as caught:
        step(subject, inside, layer, **asked)  # type: ignore[arg-type]
    assert words in str(caught.value)
