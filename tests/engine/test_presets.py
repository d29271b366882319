"""Presets: published totals, files as the product itself writes them, and names."""

import os
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from published import PARAMS

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import dumps_network, save_network
from cnn_tui.engine.specs.layers import LRN, Dropout, MaxPool, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import file_of, load_preset, preset_names, resolve

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


def test_name_like_nothing_is_told_where_all_are_listed():
    with pytest.raises(SpecError) as caught:
        resolve("\x1b[31mqqqq\n")
    assert "cnn-tui presets" in caught.value.hint
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


def test_a_preset_is_read_once():
    assert load_preset("lenet5") is load_preset("lenet5")


def test_a_file_of_another_program_is_to_be_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.ONNX").touch()
    Path("yours.pt").touch()
    for arch, words, file in (
        ("mine.ONNX", "mine.ONNX is not an architecture file.", "mine.ONNX"),
        ("yours", "yours is neither a preset nor a file.", "yours.pt"),
    ):
        with pytest.raises(SpecError) as caught:
            resolve(arch)
        assert caught.value.message == words
        assert caught.value.hint == f"Convert {file} first: cnn-tui import {file}"
    with pytest.raises(SpecError, match=r"no file named 'others\.onnx'"):
        resolve("others.onnx")


def test_a_file_is_meant_with_or_without_its_ending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(Network(name="whole"), Path("mine.toml"))
    assert file_of("lenet5") is None
    assert file_of("mine") == file_of("mine.toml") == Path("mine.toml")
    Path("mine").mkdir()
    assert file_of("mine") == Path("mine.toml"), "a folder of the same name is no file"
    Path("mine").rmdir()
    save_network(Network(name="short"), Path("mine"))
    assert resolve("mine").name == "short"


def test_names_like_that_of_no_file_are_named_those_of_files_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("lenet", "lenet-a", "other"):
        Path(f"{name}.toml").touch()
    for arch, message, hint in (
        (f".{os.sep}lenett", f"There is no file .{os.sep}lenett.", "lenet.toml or lenet-a.toml?"),
        ("lenett.toml", "There is no file lenett.toml.", "lenet.toml or lenet-a.toml?"),
        ("lenett", "no file named 'lenett'.", "lenet.toml, lenet-a.toml or lenet5?"),
        ("zzzz.toml", "There is no file zzzz.toml.", "Check the path."),
    ):
        with pytest.raises(SpecError) as caught:
            resolve(arch)
        assert caught.value.message.endswith(message) and caught.value.hint.endswith(hint)
    for name in ("lenet-b", "lenet-c"):
        Path(f"{name}.toml").touch()
    with pytest.raises(SpecError) as caught:
        resolve("lenett.toml")
    assert caught.value.hint.count("lenet") == 3
    with pytest.raises(SpecError) as caught:
        load_preset("vgg")
    assert caught.value.hint.count("vgg") == 3
