"""ONNX files that are no network, damaged or hostile: one line that says why not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_by_hand import CONV, W, imported, ints, model, onnx, save, zeros

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.specs.network import Network

pytestmark = pytest.mark.slow


REFUSED = {
    "Selu": ([("Selu", "x", "y", {})], [], "node 1 (Selu)"),
    "two": (
        [("Selu", "x", "e", {}), ("Celu", "e", "y", {})], [],
        "node 1 (Selu) is not known here: no counterpart; node 2 (Celu)",
    ),
    "clip": ([("Clip", "x", "y", {"min": -1.0, "max": 1.0})], [], "the nearest is tanh"),
    "means": ([("MatMul", "w x", "y", {})], [("w", 3, 8)], "volume"),
    "concat of rows": (
        [CONV, ("Concat", "x c", "y", {"axis": 2})], W, "another axis than the channels",
    ),
    "max": ([CONV, ("Max", "x c", "y", {})], W, "other than by Add, Mul or Concat"),
    "crossing": (
        [CONV, ("Relu", "c", "r", {}), ("Add", "r x", "s", {}), ("Add", "s r", "y", {})],
        W, "the connection from the input to node 3 (Add) crosses a branch",
    ),
    "order": ([("Relu", "z", "y", {}), ("Relu", "x", "z", {})], [], "no earlier node computes"),
    "missing": ([("Relu", "nothing", "y", {})], [], "no earlier node computes"),
    "weights": ([("Conv", "x x", "y", {})], [], "joins branches"),
    "no weights": ([("Conv", "x", "y", {})], [], "are not in the file"),
    "flat weight": ([("Conv", "x w", "y", {})], [("w", 3, 3)], "2 dimensions"),
    "channels": ([("Conv", "x w", "y", {})], [("w", 1, 3, 3, 3)], "3 inputs, but receives 1x8x8"),
    "huge": ([("Conv", "x w", "y", {})], [("w", 1, 1, 9, 9)], "larger than its input"),
    "dilated pool": (
        [("MaxPool", "x", "y", {"kernel_shape": [2, 2], "dilations": [2, 2]})], [], "dilation",
    ),
    "1-d pool": ([("MaxPool", "x", "y", {"kernel_shape": [2]})], [], "not two-dimensional"),
    "no stride": (
        [("MaxPool", "x", "y", {"kernel_shape": [2, 2], "strides": [0, 0]})], [], "stride",
    ),
    "unflattened": ([("Relu", "x", "r", {}), ("MatMul", "r w", "y", {})], [("w", 8, 3)], "volume"),
    "features": ([("Flatten", "x", "f", {}), ("MatMul", "f w", "y", {})], [("w", 9, 3)], "takes 9"),
    "scaled": ([("Gemm", "x w", "y", {"transA": 1})], [("w", 64, 3)], "transposes"),
    "batch": ([("Flatten", "x", "y", {"axis": 0})], [], "the batch dimension"),
    "reshape": ([("Reshape", "x w", "y", {})], [("w", 3)], "does not flatten"),
    "constant": ([CONV, ("Mul", "c w", "y", {})], W, "computes with a constant"),
    "no bias": ([CONV, ("Add", "c w", "y", {})], W, "for each pixel"),
    "ratio": (
        [("Relu", "x", "r", {}), ("Div", "x r", "y", {})], [], "other than a local response",
    ),
    "ratio upside down": (
        [("Relu", "x", "r", {}), ("Div", "r x", "y", {})], [], "divides by something",
    ),
    "half a response": (
        [
            ("Mul", "x x", "s", {}), ("Pad", "s w", "p", {}),
            ("AveragePool", "p", "a", {"kernel_shape": [5, 1, 1]}), ("Mul", "a w", "m", {}),
            ("Add", "m w", "o", {}), ("Pow", "o w", "q", {}), ("Div", "x q", "y", {}),
        ], [("w", 1)], "divides by something",
    ),
    "softmax": ([("Softmax", "x", "s", {}), ("Relu", "s", "y", {})], [], "Softmax"),
    "slice": ([("Slice", "x w w", "y", {})], [("w", 2)], "no meaning in this position"),
    "types": ([("LeakyRelu", "x", "y", {"alpha": "much"})], [], "invalid attributes"),
    "types 2": ([("Conv", "x w", "y", {"strides": "ab"})], W, "not two-dimensional"),
    "types 3": ([("Conv", "x w", "y", {"group": 1.5})], W, "takes 1.5"),
    "types 4": (
        [("BatchNormalization", "x w w w w", "y", {"epsilon": [1, 2]})], [("w", 1)], "invalid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_named(name: str, tmp_path: Path) -> None:
    nodes, shapes, words = REFUSED[name]
    with pytest.raises(SpecError) as caught:
        imported(tmp_path, *nodes, tensors=[zeros(*one) for one in shapes])
    assert words in str(caught.value) and "net.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_node_of_a_foreign_domain_is_none_of_the_standard(tmp_path: Path) -> None:
    made = model([("Relu", "x", "y", {})], [])
    made.graph.node[0].domain, made.graph.node[0].name = "evil", "\x1b[2J\n"
    with pytest.raises(SpecError, match=r"evil\.Relu '\\x1b\[2J\\n'"):
        import_network(save(tmp_path / "net.onnx", made))


def test_hostile_sizes(tmp_path: Path) -> None:
    weight = zeros("w", 1, 1, 3, 3)
    weight.dims[:] = [2**62, 2**62, 2**31, 2**31]
    with pytest.raises(SpecError):
        imported(tmp_path, ("Conv", "x w", "y", {}), tensors=[weight])
    weight.dims[:] = [-1, -1, -3, -3]
    with pytest.raises(SpecError):
        imported(tmp_path, ("Conv", "x w", "y", {}), tensors=[weight])
    deep = [("Relu", f"v{n}" if n else "x", f"v{n + 1}", {}) for n in range(20_000)]
    with pytest.raises(SpecError, match="more than 16,000 nodes"):
        imported(tmp_path, *deep)
    with pytest.raises(SpecError, match="the limit of 2000 layers"):
        imported(tmp_path, *deep[:3000])
    sums = [("Add", f"v{n} v0" if n else "x x", f"v{n + 1}", {}) for n in range(5000)]
    with pytest.raises(SpecError):
        imported(tmp_path, *sums)


def test_no_other_file_is_read(tmp_path: Path) -> None:
    """A constant that claims to stand elsewhere is not looked up there."""
    (tmp_path / "secret").write_bytes(bytes(16))
    shape = ints("s", 0, -1)
    shape.data_location = onnx.TensorProto.EXTERNAL
    entry = shape.external_data.add()
    entry.key, entry.value = "location", "secret"
    with pytest.raises(SpecError, match="does not flatten its input"):
        imported(tmp_path, ("Reshape", "x s", "y", {}), tensors=[shape])


def test_files_that_are_no_model(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    for content, words in (
        (b"", "not an ONNX model"),
        (b"\xff" * 100, "not an ONNX model"),
        (
            model([("Relu", "x", "y", {})], [], opset=6).SerializeToString(),
            "opset 6, expected 7 or later",
        ),
    ):
        path.write_bytes(content)
        with pytest.raises(SpecError, match=words):
            import_network(path)
    with pytest.raises(SpecError, match="There is no file"):
        import_network(tmp_path / "other.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(SpecError, match="is a folder, not a file"):
        import_network(tmp_path / "folder.onnx")


WHOLE = model(
    [CONV, ("Relu", "c", "r", {}), ("Add", "r x", "s", {}), ("Flatten", "s", "y", {})],
    [zeros(*one) for one in W],
).SerializeToString()  # fmt: skip


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_model_is_a_network_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, cut: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(WHOLE[:place] if cut else WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :])
    try:
        assert isinstance(import_network(path).network, Network)
    except SpecError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data)
    with pytest.raises(SpecError):
        import_network(path)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SpecError, match=r"pip install 'cnn-tui\[onnx\]'"):
        import_network(tmp_path / "net.onnx")
