"""Single settings by their paths."""

from __future__ import annotations

import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.activations import ELU, LeakyReLU
from cnn_tui.engine.specs.layers import Conv, ReLU
from cnn_tui.engine.specs.network import SVM, Network, Softmax
from cnn_tui.engine.specs.paths import (
    find_setting,
    setting_words,
    settings_of,
    value_words,
    with_setting,
)
from cnn_tui.engine.specs.presets import load_preset, preset_names

NETWORK = load_preset("digits-convnet")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lr", "training.lr"),
        ("training.lr", "training.lr"),
        ("p", "layers[8].p"),
        ("label_smoothing", "loss.label_smoothing"),
        ("layers[2].out_channels", "layers[2].out_channels"),
        ("data", "data"),
    ],
)
def test_a_setting_is_found_by_its_path_or_last_part(name: str, path: str) -> None:
    assert find_setting(NETWORK, name) == path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kernel_size", "may be layers.0..kernel_size, .* or one of 2 more"),
        ("sed", "Did you mean seed"),
        ("layers[99].p", "Did you mean layers.8..p"),
        ("", "no setting"),
        ("\x1b[2J", "no setting"),
    ],
)
def test_an_unknown_or_unclear_name(name: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        find_setting(NETWORK, name)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("training.lr", ".01", "0.01"),
        ("training.lr", "1e-3", "0.001"),
        ("training.optimizer", "adam", '"adam"'),
        ("training.optimizer", '"adam"', '"adam"'),
        ("training.flip", "true", "true"),
        ("training.betas", "[0.5, 0.9]", "[0.5,0.9]"),
        ("training.clip_norm", "2", "2.0"),
        ("training.patience", "none", "null"),
        ("layers[0].kernel_size", "[3, 5]", "[3,5]"),
        ("layers[1].type", "tanh", "tanh"),
        ("loss.label_smoothing", "0.1", "0.1"),
    ],
)
def test_a_value_is_taken_as_json_or_as_it_is(path: str, text: str, value: str) -> None:
    changed = with_setting(NETWORK, path, text)
    before, after = settings_of(NETWORK), settings_of(changed)
    assert after[path] == value
    assert {key for key in after if after[key] != before.get(key)} <= {path}


def test_another_loss() -> None:
    assert isinstance(NETWORK.loss, Softmax)
    assert isinstance(with_setting(NETWORK, "loss.type", "svm").loss, SVM)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("training.lr", "nan"),
        ("training.lr", "0"),
        ("training.lr", "none"),
        ("training.epochs", "2.5"),
        ("training.optimizer", "adm"),
        ("layers[0].out_channels", "[1,2,3]"),
        ("input", "8"),
    ],
)
def test_a_bad_value_is_refused_with_its_path(path: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_setting(NETWORK, path, text)
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize("name", preset_names())
def test_every_setting_of_a_preset_can_be_written_back(name: str) -> None:
    network = load_preset(name)
    settings = settings_of(network)
    for path in list(settings)[:: max(1, len(settings) // 40)]:
        assert with_setting(network, path, settings[path]) == network


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"momentum"', "momentum"),
        ('""', ""),
        ("[3,32,32]", "3x32x32"),
        ("[0.9,0.999]", "0.9 0.999"),
        ("true", "yes"),
        ("false", "no"),
        ("null", "off"),
        ("2.0", "2"),
        ("0.5", "0.5"),
        ("[]", "[]"),
        ("[3]", "3"),
        ('["a"]', '["a"]'),
        ('["a","b"]', '["a","b"]'),
        ("", "-"),
    ],
)
def test_a_value_in_words(value: str, words: str) -> None:
    assert value_words(value) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("training.batch_size", "batch size"),
        ("loss.type", "loss"),
        ("loss.label_smoothing", "label smoothing"),
        ("layers[0].out_channels", "layers[0].out_channels"),
    ],
)
def test_a_setting_in_words(path: str, words: str) -> None:
    assert setting_words(path) == words


def test_words_are_read_back() -> None:
    for path, value in settings_of(NETWORK).items():
        assert find_setting(NETWORK, setting_words(path)) == path
        assert with_setting(NETWORK, path, value_words(value)) == NETWORK


@pytest.mark.parametrize(
    ("convs", "words"),
    [
        (2, "0..groups or layers.1..groups. Give"),
        (3, "groups or layers.2..groups. Give"),
        (4, "or one of 1 more"),
        (6, "or one of 3 more"),
    ],
)
def test_how_many_places_are_listed(convs: int, words: str) -> None:
    layers = (Conv(out_channels=2),) * convs
    with pytest.raises(SpecError, match=words) as caught:
        find_setting(Network(layers=layers), "groups")
    assert caught.value.hint == "Give the whole path."


def test_another_type_keeps_the_name_alone() -> None:
    named = Network(layers=(ReLU(), Conv(out_channels=2, stride=2, name="a")))
    assert with_setting(named, "layers[1].type", "relu").layers == (ReLU(), ReLU(name="a"))
    assert with_setting(named, "layers[1].type", "conv") == named
    leaky = Network(layers=(LeakyReLU(negative_slope=0.2),))
    assert with_setting(leaky, "layers[0].type", "elu").layers == (ELU(),)
