"""ONNX files that are damaged, hostile or no network of nested branches: one line each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exported import state_of
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_by_hand import CONV, W, helper, model, onnx, save, zeros

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.onnx_graph import onnx_bytes
from cnn_tui.engine.importing.onnx_file import MOST_BYTES
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.quick.parse import parse_quick

pytestmark = pytest.mark.slow
FLAT = [("Flatten", "x", "f", {}), ("Gemm", "f w", "y", {})]


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        import_network(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_that_has_no_counterpart_is_told_at_once(tmp_path: Path) -> None:
    nodes = [
        ("Selu", "x", "a", {}),
        ("Conv", "a w", "b", {"pads": [1, 1, 1, 1]}),
        ("MaxPool", "b", "c", {"kernel_shape": [2, 2], "dilations": [2, 2]}),
        ("Relu", "c", "d", {}),
        ("Softplus", "d", "e", {}),
        ("ConvTranspose", "e w", "y", {}),
    ]
    told = refusal(save(tmp_path / "net.onnx", model(nodes, [zeros(*W[0])])))
    for words in (
        "node 1 (Selu) is not known here",
        "node 3 (MaxPool) has a dilation",
        "node 5 (Softplus) is a function that no activation here computes; the nearest is",
        "node 6 (ConvTranspose) is not known here",
    ):
        assert words in told
    assert "Relu)" not in told.replace("Softplus", "")


def test_a_connection_across_a_branch_is_told_with_what_else_is_wrong(tmp_path: Path) -> None:
    nodes = [
        CONV,
        ("Relu", "c", "r", {}),
        ("Add", "r x", "s", {}),
        ("Add", "s r", "t", {}),
        ("Selu", "t", "y", {}),
    ]
    told = refusal(save(tmp_path / "net.onnx", model(nodes, [zeros(*W[0])])))
    assert "node 5 (Selu) is not known here" in told
    assert "the connection from the input to node 3 (Add) crosses a branch" in told


def test_a_cycle(tmp_path: Path) -> None:
    nodes = [("Add", "x b", "a", {}), ("Relu", "a", "b", {}), ("Relu", "b", "y", {})]
    assert "no earlier node computes" in refusal(save(tmp_path / "net.onnx", model(nodes, [])))


@pytest.mark.parametrize("sizes", [[64, 4], [2**40, 2**40], [-1, 3]])
def test_a_tensor_whose_size_is_not_that_of_its_data(sizes: list[int], tmp_path: Path) -> None:
    weight = zeros("w", 64, 3)
    weight.dims[:] = sizes
    told = refusal(save(tmp_path / "net.onnx", model(FLAT, [weight])))
    assert "the tensor 'w'" in told and ("declares" in told or "sizes that no array has" in told)


def test_constants_that_take_no_room_in_the_file(tmp_path: Path) -> None:
    for shape, words in (([2**20, 2**20], "invalid inputs"), ([65536, 256], "takes 65,536")):
        made = model(
            [("ConstantOfShape", "s", "w", {}), *FLAT],
            [onnx.numpy_helper.from_array(np.array(shape), "s")],
        )
        assert words in refusal(save(tmp_path / "net.onnx", made))


def outside(location: str, **told: str) -> object:
    tensor = zeros("w", 64, 3)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **told}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


def test_weights_in_other_files_of_the_folder(tmp_path: Path) -> None:
    array = np.arange(192, dtype=np.float32)
    (tmp_path / "net.data").write_bytes(bytes(8) + array.tobytes())
    path = save(tmp_path / "net.onnx", model(FLAT, [outside("net.data", offset="8", length="768")]))
    held = import_network(path).held
    assert held is not None
    np.testing.assert_array_equal(held.arrays["fc1.weight"], array.reshape(64, 3).T)


def test_weights_elsewhere_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(768))
    (folder / "short").write_bytes(bytes(700))
    (folder / "link").symlink_to(tmp_path / "secret")
    for location, words in (
        ("../secret", "no file in the folder"),
        (str(tmp_path / "secret"), "no file in the folder"),
        ("link", "no file in the folder"),
        ("missing", "no file in the folder"),
        (".", "no file in the folder"),
        ("short", "beyond the end"),
    ):
        made = model(FLAT, [outside(location)])
        assert words in refusal(save(folder / "net.onnx", made)), location
    for told in ({"offset": "-8"}, {"offset": "much"}, {"length": "1"}, {"length": "4000"}):
        made = model(FLAT, [outside("short", **told)])
        assert "the tensor 'w'" in refusal(save(folder / "net.onnx", made))


def test_a_file_beyond_the_limit_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    assert "net.onnx cannot be read: it is larger than 2,048 MB" in refusal(path)
    assert path.stat().st_size > MOST_BYTES


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    whole = model(FLAT, [zeros("w", 64, 3)]).SerializeToString()
    path = tmp_path / "net.onnx"
    for count in range(len(whole) // 2, len(whole), 37):
        path.write_bytes(whole[:count])
        refusal(path)


LINE = (
    "conv 4 3x3 pad same, bn, gelu exact, parallel { } { gap, fc 4, sigmoid } mul, "
    "parallel { conv 2 1x1 } { } split, channel_shuffle 2, layernorm channels, pad 1, silu, "
    "layer_scale 0.5, adaptive_avgpool 4x4, prelu, res { conv 6 pad same } zero, fc 3"
)
OWN = onnx_bytes(state_of(Network(input=(4, 6, 6), layers=parse_quick(LINE))))


def without_notes(content: bytes) -> bytes:
    made = onnx.load_from_string(content)
    del made.metadata_props[:]
    return bytes(made.SerializeToString())


@settings(max_examples=200)
@given(
    st.sampled_from([OWN, without_notes(OWN)]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1),
)
def test_damaged_bytes_are_a_network_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, changes: list[tuple[float, int]]
) -> None:
    content, path = bytearray(whole), tmp_path_factory.getbasetemp() / "hit.onnx"
    for place, byte in changes[:3]:
        content[int(place * len(content))] = byte
    path.write_bytes(content)
    try:
        assert isinstance(import_network(path).network, Network)
    except SpecError as error:
        assert "\n" not in str(error)


def test_graphs_with_graphs_inside(tmp_path: Path) -> None:
    inner = helper.make_graph([], "inner", [], [])
    made = model([("If", "x", "y", {"then_branch": inner, "else_branch": inner})], [])
    assert "node 1 (If) is not known here" in refusal(save(tmp_path / "net.onnx", made))
