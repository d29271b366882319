"""Every registered layer has all that the program asks of a layer, and all of it is right.

A kind of layer that lacks a part fails by its name, with the place where the part belongs.
"""

from __future__ import annotations

import importlib
import re
import types
from collections.abc import Iterator
from pathlib import Path

import naive
import numpy as np
import pytest
from exported import state_of
from gradcheck import assert_gradients
from msgspec import structs
from samples import (
    FreeImages,
    Outputs,
    arrays_of,
    network,
    random_images,
    random_targets,
    spaced,
)

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import EntryError, SpecError
from cnn_tui.engine.export.modules import write_weights
from cnn_tui.engine.export.onnx_graph import onnx_bytes
from cnn_tui.engine.export.pytorch import torch_source
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.residual import canonical
from cnn_tui.engine.layers.lower import BUILDERS
from cnn_tui.engine.ops.activations import ACTIVATIONS, activated
from cnn_tui.engine.specs.activations import ELU, GELU, PReLU, SiLU
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import dumps_network, loads_network
from cnn_tui.engine.specs.expansion import preview
from cnn_tui.engine.specs.inside import BLOCKS, LIST_FIELDS
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    Repeat,
    Residual,
    StochasticDepth,
    Tanh,
)
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool
from cnn_tui.engine.specs.quick.complete import complete
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.specs.quick.vocabulary import kind_named
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.rewrite import cost
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.specs.table import settings
from cnn_tui.tui.building.edits import new_layer
from cnn_tui.tui.building.fields import form_fields
from cnn_tui.tui.building.volumes import volumes

SHAPE, BATCH, CLASSES = (4, 6, 5), 5, 3
EXAMPLES: tuple[Layer, ...] = (
    Conv(out_channels=6, kernel_size=(3, 2), stride=(1, 2), padding=1, groups=2, rounding="floor"),
    DWConv(padding="same"),
    DWConv(
        kernel_size=(3, 2), stride=(2, 1), padding=1, multiplier=3, bias=False, rounding="floor"
    ),
    DWConv(kernel_size=2, dilation=2, padding=1, multiplier=2),
    MaxPool(kernel_size=(2, 3), stride=1, padding=1),
    MaxPool(kernel_size=3, stride=2, rounding="ceil"),
    AvgPool(kernel_size=(3, 2), stride=1, padding=1),
    AvgPool(kernel_size=2, padding=1, count_include_pad=False, rounding="floor"),
    AvgPool(kernel_size=(2, 3), stride=2, padding=1, rounding="ceil"),
    AvgPool(kernel_size=3, stride=3, padding=1, rounding="ceil", count_include_pad=False),
    AdaptiveAvgPool(output_size=(4, 3)),
    AdaptiveAvgPool(output_size=7),
    FC(out_features=5),
    LeakyReLU(negative_slope=0.2),
    GELU(),
    GELU(approximate="none"),
    ELU(alpha=0.7),
    PReLU(per_channel=True, init=0.5),
    PReLU(),
    Dropout(p=0.25),
    BatchNorm(eps=1e-3, momentum=0.25),
    GroupNorm(num_groups=2, eps=1e-3),
    LayerNorm(eps=1e-3),
    LayerNorm(over="channels"),
    LayerScale(init_value=0.5),
    StochasticDepth(p=0.5),
    Pad(padding=(1, 0, 2, 3)),
    Pad(padding=(3, 2, 1, 4), padding_mode="reflect"),
    Pad(padding=2, padding_mode="replicate"),
    ChannelShuffle(groups=2),
    LRN(size=3, alpha=0.5, beta=0.5, k=1.5),
    Residual(branch=(Conv(out_channels=6, padding=1), Tanh()), shortcut="projection"),
    Parallel(branches=((Conv(out_channels=3, padding=1), Tanh()), ()), merge="concat"),
    Repeat(layers=(Conv(out_channels=4, padding=1), Tanh()), times=3),
)
"""Layers with other settings than the default; without settings a layer needs no example."""


def _examples() -> Iterator[Layer | str]:
    """The examples of each kind, a layer without settings, or the kind that lacks an example."""
    for name, kind in LAYER_TYPES.items():
        found = [one for one in EXAMPLES if type(one) is kind]
        yield from found or [kind() if kind.__struct_fields__ == ("name",) else name]


@pytest.fixture(
    params=_examples(), ids=lambda one: one if isinstance(one, str) else to_quick([one])
)
def layer(request: pytest.FixtureRequest) -> Layer:
    if isinstance(request.param, str):
        pytest.fail(f"{request.param}: add an example with its settings to EXAMPLES in {__file__}")
    return request.param


def whole(layer: Layer) -> Network:
    return network(SHAPE, layer, FC(out_features=CLASSES))


def naive_output(layer: Layer, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the engine puts out in evaluation, and what the loops do."""
    outputs = Outputs(SHAPE, layer)
    arrays = arrays_of(outputs.model)
    (expected,) = naive.forward((layer,), outputs.reports, arrays, images)
    return outputs.of(images), expected


def test_it_has_a_row_where_it_computes(layer: Layer) -> None:
    kind, is_activation = type(layer), layer.info.is_activation
    table = "ACTIVATIONS in engine/ops/activations.py"
    where = table if is_activation else "BUILDERS in engine/layers/lower.py"
    # Repeated layers are placed one after the other, and none of them computes by itself.
    assert kind in BUILDERS or kind is Repeat, f"{kind.__name__}: add a row to {where}"
    learns = check(whole(layer)).layers[0].weights > 0
    assert is_activation == (kind in ACTIVATIONS) or learns, f"{kind.__name__}: a role for {table}"


def test_its_output_is_the_reference(layer: Layer) -> None:
    """Values that are large as well: a formula may overflow or lose digits there."""
    for scale in (1, 30):
        found, expected = naive_output(layer, scale * random_images(SHAPE, BATCH))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_its_gradients_are_slopes(layer: Layer) -> None:
    free = FreeImages(SHAPE, BATCH, layer, Tanh())
    free.set(spaced((BATCH, *SHAPE)))
    assert_gradients(free.model, free.loss)


def test_threads_do_not_change_a_bit(layer: Layer) -> None:
    bits = set()
    for threads in (1, 2, 3):
        model = build(whole(layer), threads=threads)
        images = random_images(SHAPE, 40, dtype=np.float32)
        result = model.train_batch(images, random_targets(CLASSES, 40))
        bits.add((result, model.store.grad.tobytes(), model.forward(images).tobytes()))
        model.close()
    assert len(bits) == 1


def test_pytorch_computes_the_same(layer: Layer) -> None:
    """Scores, loss and gradients; dropout without dropping, since masks are drawn."""
    pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    pair = importlib.import_module("test_peer_torch").Pair
    random = isinstance(layer, Dropout | StochasticDepth)
    same = structs.replace(layer, p=0.0) if random else layer
    both = pair(whole(same), np.float64)
    both.close = {"rtol": 1e-10, "atol": 1e-12}
    images = random_images(SHAPE, BATCH)
    both.evaluate(images)
    both.train(images, random_targets(CLASSES, BATCH))
    both.compare_buffers()


def test_a_file_gives_it_back(layer: Layer) -> None:
    assert loads_network(dumps_network(whole(layer)), "file") == whole(layer)


def test_quick_entry_gives_it_back(layer: Layer) -> None:
    info, kind = layer.info, type(layer)
    assert parse_quick(to_quick([layer])) == (layer,)
    assert [type(one) for one in parse_quick(info.example or info.words[0])] == [kind]
    assert {kind_named(word) for word in info.words} == {kind}, "another kind has the same word"
    offered = {one.text: one.meaning for one in complete("", 0)}
    assert offered[info.words[0]] == info.meaning
    if any(name != "name" for name in kind.__struct_fields__) and kind is not BatchNorm:
        assert settings(layer), "add info.brief, or a case in settings of engine/specs/naming.py"


def test_pytorch_source_gives_it_back(layer: Layer, tmp_path: Path) -> None:
    state = state_of(whole(layer))
    (tmp_path / "net.py").write_text(torch_source(state, "w.safetensors"))
    found = import_network(tmp_path / "net.py").network
    assert canonical(found.layers) == canonical(state.network.layers)
    assert type(found.layers[0]) is type(layer)


def test_pytorch_source_computes_the_same(layer: Layer, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to run the source, is not installed")
    loading = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    state = state_of(whole(layer))
    write_weights(state, tmp_path / "weights")
    source = types.ModuleType("source")
    exec(torch_source(state, "weights"), source.__dict__)
    peer = source.build()
    peer.load_state_dict(loading.load_file(tmp_path / "weights"))
    with torch.no_grad():
        images = random_images(SHAPE, BATCH, dtype=np.float32)
        theirs = peer.eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(state.model().forward(images), theirs, rtol=1e-4, atol=1e-5)


def test_an_onnx_graph_gives_it_back(layer: Layer, tmp_path: Path) -> None:
    """Without the note that holds the architecture, so that the graph alone counts.

    At the beginning of a graph constants are the normalisation of the pixels: a tanh comes first.
    """
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    described = network(SHAPE, Tanh(), layer, FC(out_features=CLASSES))
    model = onnx.load_from_string(onnx_bytes(state_of(described)))
    del model.metadata_props[:]
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    found = import_network(tmp_path / "net.onnx").network
    assert canonical(found.layers) == canonical(described.layers)


def test_other_forms_in_onnx_are_refused_with_the_nearest(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    fixed = [kind for kind in LAYER_TYPES.values() if kind.info.onnx.fixed and kind is not SiLU]
    assert fixed
    for kind in fixed:
        model = onnx.load_from_string(onnx_bytes(state_of(whole(kind()))))
        (node,) = (one for one in model.graph.node if one.op_type == kind.info.onnx.name)
        del node.attribute[:]
        (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(SpecError, match=re.escape(f"nearest is {kind.info.onnx.written}.")):
            import_network(tmp_path / "net.onnx")


def test_an_onnx_graph_computes_the_same(layer: Layer) -> None:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    state = state_of(whole(layer))
    session = runtime.InferenceSession(onnx_bytes(state), providers=["CPUExecutionProvider"])
    pixels = random_images(SHAPE, BATCH, dtype=np.float32)
    (theirs,) = session.run(["scores"], {"pixels": pixels})
    ours = state.model().forward(state.normalizer.apply(pixels))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_form_and_the_palette_know_it(layer: Layer) -> None:
    kind, name = type(layer), check(whole(layer)).layers[0].type
    fields = {field.name: field for field in form_fields(kind)}
    assert fields.keys() == set(kind.__struct_fields__)
    for field in (
        one for one in fields.values() if one.name not in LIST_FIELDS[:1] + LIST_FIELDS[2:]
    ):
        value = getattr(layer, field.name)
        assert field.parse(field.show(value)) == value
    fresh = new_layer(name, (4, 6, 6), CLASSES)
    assert type(fresh) is kind and network((4, 6, 6), fresh, classes=CLASSES)
    assert 0 < len(layer.info.help) <= 54, "the palette shows info.help in one line"


def test_a_pattern_makes_it(layer: Layer) -> None:
    word = layer.info.words[0].upper()
    if isinstance(layer, BLOCKS):
        with pytest.raises(EntryError):  # a pattern could not say what is in the branch
            preview(word)
    else:
        assert [type(one) for one in preview(word).layers] == [type(layer)]


def test_its_role_is_what_its_numbers_do(layer: Layer) -> None:
    """Costs, volumes and templates go by ``info.role``: a wrong one is wrong without a word."""
    info, hint = layer.info, f"{type(layer).__name__}: look at the role in its info"
    images, one, zeros = random_images(SHAPE, 1), np.zeros((1, *SHAPE)), np.zeros((1, *SHAPE))
    one[0, 1, 2, 2] = 0.5
    y, moved = (naive_output(layer, x)[0] for x in (images, images + one))
    is_same = y.shape == images.shape
    is_elementwise = is_same and np.argwhere(y != moved).tolist() == [[0, 1, 2, 2]]
    assert info.is_elementwise == is_elementwise and is_same >= info.keeps_shape, hint
    others, both, rest = (naive_output(layer, x)[0] for x in (-2 * images, -images, zeros))
    is_affine = np.allclose(y + others, both + rest)
    assert info.is_activation == (is_elementwise and not is_affine), hint


def test_costs_and_volumes_go_by_its_role(layer: Layer) -> None:
    info, report = layer.info, check(whole(layer))
    found = cost([layer], SHAPE)
    assert found.non_linearities == info.is_activation
    assert found.activations == (0 if info.is_activation else report.layers[0].activations)
    drawn = volumes(whole(layer), report)
    assert (drawn[0].layers == (0, 1)) == info.keeps_shape


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.__name__)
def test_bounds_and_order_of_an_activation_are_what_its_numbers_do(kind: type[Layer]) -> None:
    x = np.linspace(-60, 60, 1001)
    y = activated(kind(), x)
    if ACTIVATIONS[kind].monotone:
        assert (np.diff(y) >= 0).all()
    assert ACTIVATIONS[kind].keeps_zero == (activated(kind(), np.zeros(1)) == 0)
    low, high = kind.info.bounds or (-np.inf, np.inf)
    assert y.min() == pytest.approx(low) or np.isinf(low)
    assert y.max() == pytest.approx(high) or np.isinf(high)
    flat = [abs(y[0] - y[1]) < 1e-9, abs(y[-1] - y[-2]) < 1e-9]
    assert kind.info.saturates == (all(flat) and y[500 - 1] != 0)
    assert kind.info.dies == (flat[0] and not y[:500].any() and kind.info.bounds is not None)
