"""Presets: published totals, files as the product itself writes them, and names."""

import os
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import dumps_network, save_network
from cnn_tui.engine.specs.layers import LRN, Dropout, MaxPool, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset, preset_names, resolve

PARAMS = {
    "softmax-linear": 650,
    "svm-linear": 650,
    "two-layer": 7_510,
    "three-layer": 12_060,
    "digits-convnet": 15_338,
    "lenet5": 61_706,
    "convnetjs-cifar": 22_466,
    "cifar-convnet": 2_168_362,
    "all-conv": 1_369_738,
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "densenet40": 1_019_722,
    "alexnet": 62_378_344,
    "alexnet-lrn": 62_378_344,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "wide_resnet50_2": 68_883_240,
    "resnext50_32x4d": 25_028_904,
    "densenet121": 7_978_856,
    "nin": 966_986,
    "mobilenet-cifar": 411_978,
    "zfnet": 62_357_608,
    "googlenet": 6_624_904,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_small": 2_542_856,
    "shufflenet_v2_x1_0": 2_278_604,
    "mnasnet1_0": 4_383_312,
    "efficientnet_b0": 5_288_548,
    "convnext_tiny": 28_589_128,
}
"""The published totals: torchvision's where it has the network, else those of the paper."""
MACS = {
    "lenet5": 416_520,
    "alexnet": 1_135_256_096,
    "vgg16": 15_470_264_320,
    "resnet18": 1_814_073_344,
    "resnet50": 4_089_184_256,
}
CLASSES = {"digits": 10, "mnist": 10, "cifar10": 10, "imagenet": 1000}


def test_there_is_a_total_for_every_preset():
    assert set(PARAMS) == set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_preset_is_valid_and_has_the_published_total(name):
    network = load_preset(name)
    report = check(network, CLASSES[network.data])
    assert report.issues == ()
    assert report.total_params == PARAMS[name]
    assert report.total_macs == MACS.get(name, report.total_macs)
    assert network.name == name
    assert len(network.description) > 60


@pytest.mark.parametrize("name", preset_names())
def test_preset_file_is_what_the_product_would_save(name):
    text = (resources.files("cnn_tui.presets") / f"{name}.toml").read_text("utf-8")
    assert dumps_network(load_preset(name)) == text
    assert text.count("\n") < 120


def test_every_file_is_a_preset():
    files = [Path(file.name) for file in resources.files("cnn_tui.presets").iterdir()]
    assert {file.stem for file in files if file.suffix == ".toml"} == set(preset_names())


def test_resnet20_with_projections_has_the_published_total():
    network = load_preset("resnet20")
    layers = tuple(
        msgspec.structs.replace(layer, shortcut="projection")
        if isinstance(layer, Residual) and layer.shortcut == "zero-pad"
        else layer
        for layer in network.layers
    )
    assert check(msgspec.structs.replace(network, layers=layers)).total_params == 272_474


def test_shapes_of_the_notes():
    outputs = [layer.output for layer in check(load_preset("alexnet")).layers]
    assert [96, 55, 55] in outputs
    assert [256, 6, 6] in outputs
    assert [512, 7, 7] in [layer.output for layer in check(load_preset("vgg16")).layers]
    assert [2048, 7, 7] in [layer.output for layer in check(load_preset("resnet50")).layers]
    assert check(load_preset("all-conv")).layers[-1].output == [10, 1, 1]


def test_kinds_of_layers_that_tell_presets_apart():
    def kinds(name: str) -> set[type]:
        return {type(layer) for layer in load_preset(name).layers}

    assert {LRN, Dropout} <= kinds("alexnet-lrn")
    assert LRN not in kinds("alexnet")
    assert Dropout in kinds("alexnet")
    assert MaxPool not in kinds("all-conv")
    assert load_preset("svm-linear").loss.__struct_config__.tag == "svm"


def test_unknown_preset_names_the_nearest():
    with pytest.raises(SpecError, match="'lenet'") as caught:
        resolve("lenet")
    assert "lenet5" in caught.value.hint
    with pytest.raises(SpecError) as caught:
        load_preset("ResNet-18")
    assert "resnet18" in caught.value.hint


def test_name_like_nothing_lists_all():
    with pytest.raises(SpecError) as caught:
        resolve("\x1b[31mqqqq\n")
    assert all(name in caught.value.hint for name in preset_names())
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", ["", "q" * 5000, "a\0b"])
def test_names_that_no_file_can_have_are_unknown(name):
    with pytest.raises(SpecError):
        resolve(name)


def test_preset_wins_over_a_file_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(Network(name="mine"), Path("lenet5"))
    assert resolve("lenet5").name == "lenet5"
    assert resolve(f".{os.sep}lenet5").name == "mine"


def test_file_is_found_by_suffix_separator_or_presence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(Network(name="mine"), Path("mine"))
    assert resolve("mine").name == "mine"
    assert resolve(str(tmp_path / "mine")).name == "mine"
    for missing in ("gone.toml", f"gone{os.sep}net"):
        with pytest.raises(SpecError, match="no file"):
            resolve(missing)
