"""``nn.Sequential`` as source and as an object: the same network, or one line that says why not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cases import Choice, networks
from exported import BLOCKS, EVERY_LAYER, state_of
from hypothesis import given
from hypothesis import strategies as st
from sequentials import NETS, assert_same_scores, peer, source

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.pytorch import torch_source
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.residual import canonical
from cnn_tui.engine.importing.torch_network import import_module
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, GlobalAvgPool, MaxPool
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool
from cnn_tui.engine.specs.presets import load_preset, preset_names


@pytest.mark.parametrize("name", NETS)
def test_source_and_object_are_the_same_network(name: str, tmp_path: Path) -> None:
    text, size = NETS[name]
    found = import_network(source(tmp_path / "net.py", f"model = nn.Sequential({text})"), size)
    module = peer(text)
    live = import_module(module, size)
    assert found.network.layers == live.network.layers and found.notes == live.notes == ()
    report = check(found.network)
    assert report.valid and report.total_params == sum(p.numel() for p in module.parameters())
    assert_same_scores(found.network, module)


@pytest.mark.parametrize(
    "network", [EVERY_LAYER, BLOCKS, *map(load_preset, preset_names())], ids=lambda n: n.name
)
def test_what_was_exported_comes_back(network: Network, tmp_path: Path) -> None:
    if check(network).total_params > 30_000_000:
        state = state_of(load_preset("lenet5"))
    else:
        state = state_of(network)
    path = source(tmp_path / "own.py", torch_source(state, "w.safetensors"), "")
    found = import_network(path).network
    assert found.input == state.network.input
    assert canonical(found.layers) == canonical(state.network.layers)
    assert [type(one) for one in found.layers] == [type(one) for one in state.network.layers]


@pytest.mark.slow
@given(networks(Choice(widths=(1, 2, 4, 6))))
def test_any_network_that_was_exported_comes_back(
    tmp_path_factory: pytest.TempPathFactory, network: Network
) -> None:
    """To the same source: with one channel, a slope for each is a slope for all."""
    path = tmp_path_factory.getbasetemp() / "drawn.py"
    written = torch_source(state_of(network), "w")
    path.write_text(written)
    found = msgspec.structs.replace(import_network(path).network, name=network.name)
    again = torch_source(state_of(found), "w")
    assert again.partition("def build")[2] == written.partition("def build")[2]
    assert check(found).total_params == check(network).total_params


def test_layers_that_a_loop_makes(tmp_path: Path) -> None:
    text = "n = 2\nm = nn.Sequential(nn.Flatten(), *[nn.Linear(4, 4) for _ in range(n + 1)])"
    found = import_network(source(tmp_path / "net.py", text), (1, 2, 2)).network
    assert found.layers == (FC(out_features=4),) * 3
    text = "m = nn.Sequential(*(nn.ReLU() for _ in range(10**9)), *[nn.Tanh(), nn.Sigmoid()])"
    with pytest.raises(SpecError, match="is not a range of up to 2000"):
        import_network(source(tmp_path / "net.py", text), (1, 2, 2))


def test_ways_to_write_the_same(tmp_path: Path) -> None:
    expected = import_network(
        source(
            tmp_path / "a.py",
            "m = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 3))",
        ),
        (1, 8, 8),
    ).network.layers
    for number, (head, text) in enumerate(
        [
            (
                "import torch\n",
                "torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), "
                "torch.nn.Linear(144, 3))",
            ),
            (
                "import torch.nn as tn\n",
                "x = tn.Sequential(tn.Conv2d(1, 4, 3), tn.Flatten(), tn.Linear(12 * 12, 3))",
            ),
            (
                "from torch.nn import Sequential as S, Conv2d, Flatten, Linear\n",
                "x = S(Conv2d(1, 4, 3), Flatten(), Linear(144, 3))",
            ),
            (
                "import torch.nn as nn\nC: int = 3\n",
                "def net():\n    return nn.Sequential(nn.Conv2d(1, C + 1, [3, 3]), nn.Flatten(), "
                "nn.Linear(144, C)).to('cuda')",
            ),
            (
                "",
                "a = nn.Conv2d(1, 4, 3)\nhead = nn.Sequential(nn.Flatten(), nn.Linear(144, 3))\n"
                "net = nn.Sequential(a, head)",
            ),
            ("", "net = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))"),
        ]
    ):
        path = source(tmp_path / f"{number}.py", text, head)
        assert import_network(path, (1, 8, 8)).network.layers == expected, text


def test_names_that_a_person_gave_are_kept(tmp_path: Path) -> None:
    text = (
        "from collections import OrderedDict\n"
        "net = nn.Sequential(OrderedDict([('eyes', nn.Conv2d(1, 2, 3)), ('relu2', nn.ReLU()),"
        "('a b', nn.Flatten()), ('head', nn.Linear(72, 3))]))"
    )
    layers = import_network(source(tmp_path / "net.py", text), (1, 8, 8)).network.layers
    assert [layer.name for layer in layers] == ["eyes", "", "head"]


def test_pooling_to_a_size_becomes_what_it_is(tmp_path: Path) -> None:
    pools = (f"nn.AdaptiveAvgPool2d({size})" for size in ("8", "(4, 2)", "1"))
    text = f"m = nn.Sequential({', '.join(pools)})"
    found = import_network(source(tmp_path / "net.py", text), (3, 8, 8)).network
    assert found.layers == (AdaptiveAvgPool(output_size=(4, 2)), GlobalAvgPool())


def test_sizes_are_rounded_down_as_there_and_only_where_needed(tmp_path: Path) -> None:
    text = (
        "m = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 4, 3, 2), nn.Flatten(), nn.Linear(36, 2))"
    )
    found = import_network(source(tmp_path / "net.py", text), (1, 17, 16)).network
    assert found.layers[0] == MaxPool(rounding="floor", kernel_size=2)
    assert found.layers[1] == Conv(out_channels=4, stride=2, rounding="floor")
    found = import_network(source(tmp_path / "net.py", text), (1, 14, 14)).network
    assert [layer.rounding for layer in found.layers[:2]] == ["exact", "exact"]


def test_a_softmax_at_the_end_belongs_to_the_loss(tmp_path: Path) -> None:
    text = "m = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Softmax(dim=1))"
    found = import_network(source(tmp_path / "net.py", text), (1, 8, 8))
    assert found.network.layers == (FC(out_features=10),) and "softmax" in found.notes[0]
    assert found.network.data == "digits" and found.network.name == "net"


REFUSED = {
    "nn.CELU()": "line 3: nn.CELU",
    "nn.Dropout2d()": "zeroes whole channels",
    "MyLayer()": "line 3: MyLayer",
    "nn.ReLU": "line 3: nn.ReLU is not a literal call",
    "*layers": "is not a literal call",
    "[nn.ReLU() for _ in range(3)]": "is not a literal call",
    "nn.Conv2d(1, channels, 3)": "has the argument channels, which is not a literal",
    "nn.Conv2d(1, int('4'), 3)": "has the argument int('4'), which is not a literal",
    "nn.Conv2d(1, 10**9, 3)": "has the argument 10 ** 9",
    "nn.Conv2d(1, int(1e999), 3)": "has the argument int(1e309), which is not a literal",
    "nn.Conv2d(1, 4 / 0, 3)": "has the argument 4 / 0, which is not a literal",
    "nn.Conv2d(1, 4)": "lacks its argument kernel_size",
    "nn.MaxPool2d()": "lacks its argument kernel_size",
    "nn.Conv2d(1, 4, 3, 1, 0, 1, 1, True, 'zeros', None, None, 7)": "has more than",
    "nn.Conv2d(1, 4, 3, colour=2)": "has an unsupported argument colour",
    "nn.Conv2d(1, 4, **more)": "has an unsupported argument **",
    "nn.Conv2d(1, 4, 3, padding_mode='reflect')": "padding_mode='reflect'",
    "nn.Conv2d(1, 4, 'three')": "kernel_size",
    "nn.Conv2d(1, 4, (1, 2, 3))": "kernel_size",
    "nn.Conv2d(1, 4, 0)": "kernel_size",
    "nn.Conv2d(1, 4, 9)": "larger than its input",
    "nn.Conv2d(3, 4, 3)": "has in_channels=3, but receives 1x8x8, that is 1",
    "nn.Conv2d(1, 4, 4, padding='same')": "odd size",
    "nn.Conv2d(1, 5, 3, groups=2)": "groups",
    "nn.ReLU(), nn.Linear(8, 4)": "nn.Flatten is missing",
    "nn.Flatten(0)": "does not flatten all dimensions but the first",
    "nn.Flatten(), nn.BatchNorm1d(64)": "after a Flatten",
    "nn.Flatten(), nn.ReLU(), nn.Conv2d(64, 3, 1)": "after a Flatten",
    "nn.BatchNorm2d(1, affine=False)": "affine=False",
    "nn.BatchNorm2d(1, momentum=None)": "momentum=None",
    "nn.BatchNorm2d(2)": "num_features=2",
    "nn.MaxPool2d(2, dilation=2)": "dilation",
    "nn.MaxPool2d(2, return_indices=True)": "return_indices=True",
    "nn.AvgPool2d(2, divisor_override=3)": "divisor_override=3",
    "nn.AdaptiveMaxPool2d(3)": "output_size other than 1",
    "nn.AdaptiveAvgPool2d('x')": "output_size",
    "nn.AdaptiveAvgPool2d((1, 2, 3))": "output_size",
    "nn.LocalResponseNorm(0)": "size or alpha that is not a number",
    "nn.LeakyReLU(7)": "negative_slope",
    "nn.Dropout(1.5)": "p:",
    "nn.Softmax(1), nn.Flatten()": "in this position",
    "nn.Sequential(x=1)": "has keyword arguments",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_counterpart_is_named(text: str, tmp_path: Path) -> None:
    path = source(tmp_path / "net.py", f"m = nn.Sequential(\n{text})")
    with pytest.raises(SpecError) as caught:
        import_network(path, (1, 8, 8))
    words = str(caught.value)
    assert REFUSED[text] in words and "net.py" in words and "\n" not in words


WHOLE = {
    "x = 1": "has no network.",
    "x = (": "is not Python",
    "x = 1 +": "line 2 is not Python",
    "a = nn.Sequential()\nb = nn.Sequential()": "has 2 networks: a (line 2) and b (line 3)",
    "class N(nn.Module):\n  def f(self):\n    self.f = nn.Sequential(nn.ReLU())": "has no network.",
    "r = nn.Conv2d(1, 1, 1)\nm = nn.Sequential(r, r)": "is used twice",
    "class Residual(nn.Module):\n  pass\nm = nn.Sequential(Residual(1, 2))": "line 4: Residual",
    "class Net(nn.Sequential):\n  pass\nm = Net(nn.ReLU())": "has no network.",
    "m = nn.Sequential(nn.Flatten(), nn.Linear(196, 2))": "smallest square that fits is 1,14,14",
    "m = nn.Sequential(nn.Flatten(), nn.Linear(195, 2))": "Add --input C,H,W.",
    "INPUT = (1, 99999, 8)\nm = nn.Sequential(nn.AdaptiveAvgPool2d(1))": "input",
    f"m = nn.Sequential({'nn.ReLU(), ' * 2001})": "more than 2000",
    f"m = {'nn.Sequential(' * 80}{')' * 80}": "",
    f"m = {'nn.Sequential(' * 5000}{')' * 5000}": "",
    f"m = nn.Sequential(nn.Linear({'1+' * 20000}1, 2))": "",
    f"m = nn.Sequential(nn.Linear({'9' * 5000}, 2))": "",
}


@pytest.mark.parametrize("text", WHOLE, ids=range(len(WHOLE)))
def test_files_that_are_no_network(text: str, tmp_path: Path) -> None:
    path = source(tmp_path / "net.py", text)
    try:
        import_network(path)
    except SpecError as error:
        assert WHOLE[text] in str(error) and "\n" not in str(error)
    else:
        assert not WHOLE[text]


def test_one_of_several_is_named(tmp_path: Path) -> None:
    text = "a = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))\nb = nn.Sequential(nn.ReLU())"
    path = source(tmp_path / "net.py", text)
    assert import_network(path, (1, 8, 8), "a").network.layers == (FC(out_features=2),)
    with pytest.raises(SpecError, match=r"no network named c. There are a and b"):
        import_network(path, (1, 8, 8), "c")


def test_nothing_is_run_and_no_pickle_opened(tmp_path: Path) -> None:
    text = "open('ran', 'w')\nm = nn.Sequential(nn.Linear(open('ran', 'w').write('x'), 2))"
    with pytest.raises(SpecError, match="is not a literal"):
        import_network(source(tmp_path / "net.py", text), (1, 8, 8))
    (tmp_path / "net.pth").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(SpecError, match="pickle"):
        import_network(tmp_path / "net.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.pth", "net.py"]


@given(st.text(alphabet="nn.Sequential()[]{},:'\"=*1x \n", max_size=80) | st.binary(max_size=80))
def test_any_text_is_a_network_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError):
        import_network(path, (1, 8, 8))


def test_objects_that_are_none() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    nn = torch.nn
    shared = nn.Conv2d(1, 1, 3, padding=1)
    relu = nn.ReLU()
    for module, words in (
        (nn.ReLU(), "is a ReLU, not an nn.Sequential"),
        (nn.Sequential(nn.CELU()), "CELU"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding_mode="circular")), "padding_mode"),
        (nn.Sequential(shared, shared), "used twice"),
        (object(), "is a object"),
    ):
        with pytest.raises(SpecError, match=words):
            import_module(module, (1, 8, 8))
    found = import_module(nn.Sequential(relu, nn.Conv2d(1, 4, 8), relu, nn.Flatten()), (1, 8, 8))
    assert len(found.network.layers) == 3
