"""A network that slides over a larger image gives what it gives on each crop."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from cnn_tui.engine.build import build
from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import InsightError, ShapeError
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.slide import digits_canvas, slide
from cnn_tui.engine.insight.sliding import sliding_form
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    DWConv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
    Repeat,
    Residual,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad

UNPADDED = (Conv(6, 3), ReLU(), MaxPool(2), Conv(8, 3), ReLU(), FC(12), ReLU(), FC(10))
FORMS = {
    "unpadded": Network(input=(1, 12, 12), layers=UNPADDED),
    "softmax": load_preset("softmax-linear"),
    "lenet5": load_preset("lenet5"),
    "digits-convnet": load_preset("digits-convnet"),
    "all-conv": load_preset("all-conv"),
    "depthwise, normed by pixel, largest": Network(
        input=(2, 15, 14),
        layers=(
            Pad(padding=(2, 1, 0, 1)),
            DWConv(kernel_size=3, stride=2, multiplier=2, rounding="floor"),
            LayerNorm(over="channels"),
            PReLU(per_channel=True),
            ChannelShuffle(groups=2),
            GlobalMaxPool(),
            FC(3),
        ),
    ),
    "strided, rounded down, averaged": Network(
        input=(2, 19, 23),
        layers=(
            Conv(4, (5, 3), stride=2, padding=(1, 2), rounding="floor"),
            BatchNorm(),
            ReLU(),
            AvgPool(3, stride=2, padding=1, rounding="floor"),
            Conv(5, 2, dilation=2, bias=False),
            GlobalAvgPool(),
            FC(3),
        ),
    ),
    "repeated": Network(
        input=(2, 12, 12),
        layers=(
            Conv(4, 3, padding=1),
            Repeat((DWConv(3, padding=1, multiplier=2), ReLU(), Conv(4, 1)), times=2),
            MaxPool(),
            FC(3),
        ),
    ),
}


def subject_of(network: Network) -> Subject:
    """The network with random weights, and data of its own shape or a sentence."""
    channels = network.input[0]
    one = np.ones((channels, 1, 1), np.float32)
    digits = load_digits()
    return Subject(
        network,
        build(network, seed=3),
        "test",
        "untrained",
        digits.classes,
        Eye(Normalizer(one, 64 * one), 255.0),
        digits if network.input == digits.input_shape else "There is no data.",
    )


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", FORMS)
def test_the_map_equals_each_crop(name: str) -> None:
    network = FORMS[name]
    form = sliding_form(network)
    channels, height, width = network.input
    seen = slide(
        subject_of(network), noise(channels, height + 2 * form.stride[0], width + form.stride[1])
    )
    assert seen.scores.shape[1] == 3 and seen.scores.shape[2] in (2, 3)
    assert seen.worst_difference < 1e-5
    assert np.ptp(seen.scores) > 0


def test_without_padding_the_crops_pass_through_the_network_as_it_was_trained() -> None:
    subject = subject_of(FORMS["unpadded"])
    canvas = noise(1, 20, 16)
    seen = slide(subject, canvas)
    assert (seen.window, seen.stride, seen.frame) == ((12, 12), (2, 2), (0, 0))
    assert seen.remark == "" and seen.agreement == 1.0
    for row in range(5):
        for column in range(3):
            crop = canvas[None, :, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12]
            scores = subject.model.forward(subject.eye.normalizer.apply(crop))[0]
            np.testing.assert_allclose(seen.scores[:, row, column], scores, rtol=0, atol=1e-5)


def test_padding_at_the_input_is_the_same_where_the_ground_is_empty() -> None:
    subject = subject_of(FORMS["lenet5"])
    canvas = np.ones((1, 36, 36), np.uint8)  # 1 is the mean: it becomes zero, as padding is
    canvas[:, 6:30, 6:30] = noise(1, 24, 24)
    seen = slide(subject, canvas)
    assert seen.frame == (2, 2) and seen.scores.shape[1:] == (3, 3)
    scores = subject.model.forward(subject.eye.normalizer.apply(canvas[None, :, 4:32, 4:32]))[0]
    np.testing.assert_allclose(seen.scores[:, 1, 1], scores, rtol=0, atol=1e-5)


def test_sliding_can_be_cancelled() -> None:
    with pytest.raises(CancelledError):
        slide(
            subject_of(FORMS["unpadded"]), noise(1, 20, 16), watcher=Watcher(cancelled=lambda: True)
        )


def test_progress_ends_at_one() -> None:
    shares: list[float] = []
    slide(subject_of(FORMS["unpadded"]), noise(1, 30, 30), watcher=Watcher(shares.append))
    assert shares == sorted(shares) and len(shares) > 1 and shares[-1] == 1


def test_a_canvas_holds_images_of_the_data() -> None:
    subject = subject_of(FORMS["digits-convnet"])
    canvas = digits_canvas(subject, 17, 24, seed=1)
    assert canvas.shape == (1, 17, 24) and not canvas[:, 16:].any()
    known = {picture.tobytes() for picture in subject.images().pictures}
    tiles = [canvas[:, y : y + 8, x : x + 8].tobytes() for y in (0, 8) for x in (0, 8, 16)]
    assert set(tiles) <= known and len(set(tiles)) == 6


def ending(layer: Layer) -> Network:
    return Network(input=(1, 8, 8), layers=(layer, FC(3)))


@pytest.mark.parametrize(
    ("network", "canvas", "words"),
    [
        (FORMS["unpadded"], noise(1, 11, 40), "The image is 1x11x40; the network slides over"),
        (FORMS["unpadded"], noise(3, 20, 20), "1x12x12 and larger"),
        (load_preset("resnet20"), noise(3, 64, 64), "layer 4 (residual)"),
        (load_preset("softmax-linear"), noise(1, 7, 7), "1x8x8 and larger"),
        (ending(AdaptiveAvgPool(output_size=3)), noise(1, 20, 20), "follow the size of the image"),
        (
            ending(Repeat((Residual((ReLU(),)),))),
            noise(1, 20, 20),
            "layer 1.1 (residual): its bran",
        ),
        (ending(Repeat((FC(64), ReLU()))), noise(1, 20, 20), "reads all pixels and is repeated"),
        (ending(GroupNorm()), noise(1, 20, 20), "by all pixels of the image"),
        (ending(MaxPool(kernel_size=3, rounding="ceil")), noise(1, 20, 20), "last windows"),
        (ending(AvgPool(padding=1, count_include_pad=False)), noise(1, 20, 20), "at the edge"),
        (ending(Pad(padding_mode="reflect")), noise(1, 20, 20), "repeats pixels"),
    ],
)
def test_what_cannot_slide_is_refused(network: Network, canvas: np.ndarray, words: str) -> None:
    with pytest.raises(InsightError) as caught:
        slide(subject_of(network), canvas)
    assert words in str(caught.value)


def test_an_image_too_large_is_refused_with_one_that_fits() -> None:
    with pytest.raises(InsightError, match=r"needs .* MB.* At most \d+x\d+ pixels fit"):
        slide(subject_of(load_preset("all-conv")), np.zeros((3, 3000, 3000), np.uint8))


def test_a_network_with_an_error_is_refused() -> None:
    broken = msgspec.structs.replace(FORMS["unpadded"], layers=(Conv(3, 40), FC(10)))
    with pytest.raises(ShapeError):
        sliding_form(broken)


def test_the_json_has_the_stable_fields() -> None:
    seen = slide(subject_of(FORMS["unpadded"]), noise(1, 20, 16))
    plain = msgspec.json.decode(msgspec.json.encode(seen.to_json()))
    assert (plain["rows"], plain["columns"]) == (5, 3)
    assert {"classes", "worst_difference", "seconds", "crops_seconds"} <= set(plain)
    assert len(plain["map"]) == 5 and {name for row in plain["map"] for name in row} <= set(
        plain["classes"]
    )
