"""Weights by themselves: which names are understood, and what is refused in which words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from samples import randomize

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import RunError, SpecError
from cnn_tui.engine.export.modules import modules, renamed
from cnn_tui.engine.importing.result import Imported
from cnn_tui.engine.importing.tensor_file import PICKLES, open_tensors
from cnn_tui.engine.importing.torchvision_names import NAMINGS
from cnn_tui.engine.importing.weights import import_weights
from cnn_tui.engine.runs.imported import Pixels
from cnn_tui.engine.runs.tensors import plain_encode
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Parallel, ReLU, Repeat, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.engine.transforms.carry import weights_of

CONV = Conv(out_channels=3, padding="same")
NETWORK = Network(
    name="blocks",
    input=(3, 6, 6),
    layers=(
        CONV,
        BatchNorm(),
        Parallel(branches=((CONV, ReLU()), ()), merge="add"),
        Repeat(layers=(Residual(branch=(CONV, BatchNorm())),), times=2),
        Conv(out_channels=2, kernel_size=1),
        FC(out_features=4),
    ),
)


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    return weights_for(NETWORK)


def weights_for(network: Network) -> dict[str, np.ndarray]:
    with closing(build(network, seed=3)) as model:
        randomize(model)
        return weights_of(model)


def saved(path: Path, tensors: Mapping[str, np.ndarray]) -> Path:
    path.write_bytes(b"".join(map(bytes, plain_encode(dict(tensors)))))
    return path


def assert_holds(imported: Imported, weights: Mapping[str, np.ndarray]) -> None:
    assert imported.held is not None
    assert set(imported.held.arrays) == set(weights)
    for name, array in weights.items():
        found = imported.held.arrays[name]
        assert found.dtype == np.float32 and found.shape == array.shape, name
        assert (found == array.astype(np.float32)).all(), name


def refusal(path: Path, network: Network = NETWORK) -> SpecError:
    with pytest.raises(SpecError) as caught:
        import_weights(path, network)
    assert str(caught.value).isprintable(), "one line"
    return caught.value


@pytest.mark.parametrize("prefix", ["", "module.", "state_dict.model."])
def test_names_of_an_export_and_our_own_are_known(tmp_path, weights, prefix) -> None:
    exported = renamed(modules(NETWORK), weights)
    counters = {f"{prefix}bn2.num_batches_tracked": np.zeros((), np.int64)}
    for tensors in (weights, exported):
        named = {f"{prefix}{name}": array for name, array in tensors.items()}
        imported = import_weights(saved(tmp_path / "w.safetensors", named | counters), NETWORK)
        assert_holds(imported, weights)
        assert imported.held is not None and imported.held.pixels == Pixels()
    assert any("exported module" in note for note in imported.notes)


def test_a_filter_of_one_pixel_may_be_a_row(tmp_path, weights) -> None:
    rows = weights | {"conv5.weight": weights["conv5.weight"].reshape(2, 3)}
    assert_holds(import_weights(saved(tmp_path / "w.safetensors", rows), NETWORK), weights)


def test_what_is_missing_left_over_or_misshapen_is_named(tmp_path, weights) -> None:
    tensors = dict(weights)
    del tensors["conv5.bias"]
    tensors["extra.weight"] = np.zeros(3, np.float32)
    tensors["fc6.bias"] = np.zeros(7, np.float32)
    message = refusal(saved(tmp_path / "w.safetensors", tensors)).message
    assert "missing: conv5.bias" in message
    assert "left over: extra.weight" in message
    assert "of another shape: fc6.bias (7, expected 4)" in message


def test_many_names_are_counted(tmp_path, weights) -> None:
    tensors = weights | {f"more{i}.weight": np.zeros(1, np.float32) for i in range(50)}
    assert "and 47 more" in refusal(saved(tmp_path / "w.safetensors", tensors)).message


def test_numbers_in_names_give_the_order(tmp_path) -> None:
    network = Network(
        name="chain",
        input=(1, 6, 6),
        layers=(CONV, ReLU(), *[CONV] * 10, Conv(out_channels=4, kernel_size=6)),
    )
    weights = weights_for(network)
    places = {
        name.partition(".")[0]: f"net.{2 * at}" for at, name in enumerate(weights_order(weights))
    }
    tensors = {
        f"{places[name.partition('.')[0]]}.{name.partition('.')[2]}": weights[name]
        for name in sorted(weights, reverse=True)
    }
    assert set(tensors) >= {"net.2.weight", "net.20.bias"}
    imported = import_weights(saved(tmp_path / "w.safetensors", tensors), network)
    assert_holds(imported, weights)
    assert "their order alone" in imported.notes[0]
    # Words do not say which comes first.
    words = {name.replace("net.0.", "first."): array for name, array in tensors.items()}
    refusal(saved(tmp_path / "w.safetensors", words), network)


def test_by_order_a_tensor_of_another_shape_is_named(tmp_path) -> None:
    network = Network(
        name="two", input=(1, 6, 6), layers=(CONV, Conv(out_channels=4, kernel_size=6))
    )
    theirs = {
        f"{at}.{kind}": array
        for at, kind, array in (
            (0, "weight", np.zeros((3, 3, 1, 1), np.float32)),
            (0, "bias", np.zeros(CONV.out_channels, np.float32)),
            (2, "weight", np.zeros((4, CONV.out_channels, 6, 6), np.float32)),
            (2, "bias", np.zeros(4, np.float32)),
        )
    }
    message = refusal(saved(tmp_path / "w.safetensors", theirs), network).message
    assert "by their order alone; of another shape: 0.weight (3x3x1x1, expected " in message


def test_a_file_without_tensors_says_so(tmp_path) -> None:
    assert "holds no tensors" in refusal(saved(tmp_path / "w.safetensors", {})).message


@pytest.mark.parametrize("wild", [np.nan, np.inf, 1e300])
def test_weights_that_are_no_numbers_are_not_kept(tmp_path, weights, wild: float) -> None:
    tensors: dict[str, np.ndarray] = dict(weights)
    tensors["conv5.bias"] = np.full(weights["conv5.bias"].shape, wild, np.float64)
    imported = import_weights(saved(tmp_path / "w.safetensors", tensors), NETWORK)
    with pytest.raises(RunError, match=r"conv5\.bias holds NaN or infinity"):
        imported.keep(tmp_path / "runs", "w.safetensors")
    assert not (tmp_path / "runs").exists()


def weights_order(weights: Mapping[str, np.ndarray]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in weights))


def test_weights_of_another_known_network_are_recognised(tmp_path) -> None:
    names = [f"{module}.weight" for module in NAMINGS["squeezenet1_1"].modules]
    path = saved(tmp_path / "w.safetensors", {name: np.zeros(2, np.float32) for name in names})
    assert "try --into squeezenet1_1" in refusal(path).hint


def test_names_of_torchvision_are_those_of_presets() -> None:
    assert set(NAMINGS) <= set(preset_names())
    for name, naming in NAMINGS.items():
        assert len(set(naming.modules)) == len(naming.modules), name


def test_a_preset_takes_the_names_of_torchvision(tmp_path) -> None:
    network = load_preset("squeezenet1_1")
    weights = weights_for(network)
    layers = dict(zip(weights_order_of(weights), NAMINGS[network.name].modules, strict=True))
    tensors = {
        f"{layers[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": array
        for name, array in sorted(weights.items())
    }
    imported = import_weights(saved(tmp_path / "w.safetensors", tensors), network)
    assert_holds(imported, weights)
    assert imported.held is not None and imported.held.pixels.mean == (0.485, 0.456, 0.406)
    own = Pixels((0.5,), (0.25,))
    told = import_weights(tmp_path / "w.safetensors", network, own)
    assert told.held is not None and told.held.pixels == own


def weights_order_of(weights: Mapping[str, np.ndarray]) -> list[str]:
    return list(dict.fromkeys(name.rpartition(".")[0] for name in weights))


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("F16", lambda a: a.astype("<f2").tobytes()),
        ("F64", lambda a: a.astype("<f8").tobytes()),
        ("BF16", lambda a: (a.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()),
    ],
)
def test_other_numbers_are_converted(tmp_path, kind, make) -> None:
    array = np.array([0.5, -2.0, 96.0], np.float32)  # exact in all of them
    data = make(array)
    path = tmp_path / "w.safetensors"
    path.write_bytes(
        file_of({"x": {"dtype": kind, "shape": [3], "data_offsets": [0, len(data)]}}, data)
    )
    found = open_tensors(path).read("x")
    assert found.dtype == np.float32 and found.tolist() == array.tolist()


def file_of(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "header"),
        (b"\xff" * 100, "header"),
        (file_of({"x": ENTRY}, b"1234"), "cut off"),
        (file_of({"x": {**ENTRY, "data_offsets": [8, 0]}}, b"12345678"), "cut off"),
        (file_of({"x": {**ENTRY, "data_offsets": [0, 10**15]}}, b"12345678"), "cut off"),
        (file_of({"x": {**ENTRY, "shape": [-1]}}, b"12345678"), "cannot be read"),
        (file_of({"x": [1, 2]}, b""), "cannot be read"),
        (file_of([1], b""), "cannot be read"),
        (file_of({"\x1b[31m": ENTRY}, b"1"), "cut off"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_in_one_line(tmp_path, content, words) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    assert words in refusal(path).message


def test_an_array_that_lies_about_its_size_or_type_is_refused(tmp_path, weights) -> None:
    path = tmp_path / "w.safetensors"
    data = np.zeros(2, "<f4").tobytes()
    for entry in ({**ENTRY, "data_offsets": [0, 4]}, {**ENTRY, "dtype": "I32"}):
        path.write_bytes(file_of({"x": entry}, data))
        with pytest.raises(SpecError, match="x"):
            open_tensors(path).read("x")


@pytest.mark.parametrize("name", ["w.txt", "w.onnx", "w", "gone.safetensors"])
def test_other_files_are_refused(tmp_path, name) -> None:
    if name != "gone.safetensors":
        (tmp_path / name).write_bytes(b"x")
    refusal(tmp_path / name)


@pytest.mark.parametrize("suffix", PICKLES)
def test_a_pickle_is_refused_without_pytorch(tmp_path, monkeypatch, suffix) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / f"w{suffix}").write_bytes(b"cos\nsystem\n(S'touch hit'\ntR.")
    error = refusal(tmp_path / f"w{suffix}")
    assert "PyTorch is not installed" in error.message and "safetensors" in error.hint
