"""Remedies: the network to begin anew with, or a change while it runs."""

from __future__ import annotations

from samples import network

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Dropout,
    ReLU,
    Residual,
    Tanh,
)
from cnn_tui.engine.specs.network import Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training import remedies
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.remedies import scale_widths
from cnn_tui.engine.training.settings import Settings

BLOCK = Residual(branch=(Conv(out_channels=8, padding=1), ReLU(), Conv(out_channels=8, padding=1)))
WIDE = network(
    (1, 8, 8), Conv(out_channels=8), BLOCK, Tanh(), Dropout(p=0.5), FC(out_features=6), classes=10
)


def test_remedies_change_the_network_to_begin_anew_with() -> None:
    assert remedies.apply(WIDE, remedies.learning_rate(0.3, restart=True)).training.lr == 0.3
    assert remedies.apply(WIDE, remedies.initializer("lecun")).training.initializer == "lecun"
    assert remedies.apply(WIDE, remedies.augment(2)).training.shift == 2
    leaky = remedies.apply(WIDE, remedies.activation("leaky_relu"))
    assert [layer.type for layer in check(leaky).layers[1].branch] == ["conv", "leaky_relu", "conv"]
    assert check(leaky).layers[2].type == "tanh"
    assert check(remedies.apply(WIDE, remedies.activation("relu"))).layers[2].type == "relu"
    assert remedies.apply(WIDE, remedies.drop(0.1)).layers[3] == Dropout(p=0.1)
    assert remedies.apply(WIDE, remedies.advise("Look.")) == WIDE


def test_a_wider_network_is_still_valid_and_keeps_its_scores() -> None:
    wide = remedies.apply(WIDE, remedies.widen(2))
    report = check(wide, classes=10)
    assert report.valid
    assert [layer.output for layer in report.layers[:2]] == [[16, 6, 6]] * 2
    assert report.layers[-1].output == [10]
    assert scale_widths(scale_widths(WIDE, 4), 0.25) == WIDE
    for name in ("resnet20", "vgg16", "lenet5", "softmax-linear"):
        assert check(scale_widths(load_preset(name), 0.25)).valid


def test_remedies_that_need_no_restart_go_through_the_control() -> None:
    control, before = Control(), Settings.of(Recipe())
    remedies.steer(control, remedies.l2_strength(0.02, restart=False))
    remedies.steer(control, remedies.drop(0.1))
    after = control.take_changes(before)
    assert (after.l2, after.dropout, after.lr) == (0.02, 0.1, before.lr)
