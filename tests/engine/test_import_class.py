"""A class of ``nn.Module`` whose ``forward`` is a chain: its network, or why there is none."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.result import Imported
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Dropout, GlobalAvgPool, MaxPool, ReLU

CIFAR = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1) # flatten all dimensions except batch
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


net = Net()
"""
MNIST = """
from __future__ import print_function
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(x)
        x = self.conv2(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = self.fc1(x)
        x = F.relu(x)
        x = self.dropout2(x)
        x = self.fc2(x)
        output = F.log_softmax(x, dim=1)
        return output

def main():
    model = Net().to("cpu")
"""


def imported(
    tmp_path: Path, text: str, size: tuple[int, int, int] | None = None, name: str = ""
) -> Imported:
    path = tmp_path / "net.py"
    path.write_text(text)
    return import_network(path, size, name)


def test_the_tutorial_on_cifar10(tmp_path: Path) -> None:
    found = imported(tmp_path, CIFAR, (3, 32, 32))
    assert found.notes == () and found.network.data == "cifar10"
    kinds = [Conv, ReLU, MaxPool] * 2 + [FC, ReLU] * 2 + [FC]
    assert list(map(type, found.network.layers)) == kinds
    assert found.network.layers[2] == MaxPool(kernel_size=2, name="pool")
    # The sum that PyTorch gives for this network.
    assert check(found.network).total_params == 62_006


def test_the_example_on_mnist(tmp_path: Path) -> None:
    found = imported(tmp_path, MNIST, (1, 28, 28))
    assert found.notes == ("its softmax is left out: it is part of the loss here",)
    assert check(found.network).total_params == 1_199_882
    assert [layer.p for layer in found.network.layers if isinstance(layer, Dropout)] == [0.25, 0.5]
    with pytest.raises(SpecError, match="smallest square that fits is 1,28,28"):
        imported(tmp_path, MNIST)


def net(init: str, forward: str, head: str = "def __init__(self):", more: str = "") -> str:
    return (
        "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
        f"class Net(nn.Module):\n    {head}\n        super().__init__()\n"
        f"{indent(dedent(init).strip(), ' ' * 8)}\n"
        f"    def forward(self, x):\n{indent(dedent(forward).strip(), ' ' * 8)}\n{more}"
    )


INIT = "self.conv = nn.Conv2d(1, 4, 3)\nself.fc = nn.Linear(144, 3)"


@pytest.mark.parametrize(
    "forward",
    [
        "x = self.conv(x).relu()\nreturn self.fc(x.flatten(1))",
        "x = F.relu(self.conv(x), inplace=True)\nreturn self.fc(x.view(-1, 144))",
        "x = torch.relu(self.conv(x))\nreturn self.fc(x.view(x.size(0), -1))",
        "n = x.shape[0]\nx = nn.ReLU()(self.conv(x))\nreturn self.fc(x.reshape((n, -1)))",
        "'''Says it.'''\nprint(x.shape)\ny = self.conv(x)\nz = F.relu(y)\n"
        "return self.fc(torch.flatten(z, start_dim=1))",
        "x: torch.Tensor = nn.functional.relu(self.conv(x))\nassert len(x)\n"
        "x = x.view(-1, self.flat(x))\nreturn self.fc(x)",
    ],
)
def test_ways_to_write_the_same(forward: str, tmp_path: Path) -> None:
    conv, relu, fc = imported(tmp_path, net(INIT, forward), (1, 8, 8)).network.layers
    assert conv == Conv(out_channels=4, kernel_size=3, name="conv")
    assert (relu, fc) == (ReLU(), FC(out_features=3, name="fc"))


def test_arguments_of_init_have_their_values(tmp_path: Path) -> None:
    init = "h = width * 2\nself.h = h\nself.conv = nn.Conv2d(1, self.h, 8)"
    head = "def __init__(self, width=4, *, unused=None):"
    for more, channels in (("", 8), ("m = Net(3)", 6), ("m = Net(width=5)", 10)):
        found = imported(tmp_path, net(init, "return self.conv(x)", head, more), (1, 8, 8))
        assert found.network.layers[0].out_channels == channels
    with pytest.raises(SpecError, match=r"Net is made with other arguments in lines 12 and 13"):
        imported(
            tmp_path, net(init, "return self.conv(x)", head, "a = Net(3)\nb = Net(4)"), (1, 8, 8)
        )
    needs = r"(argument width \* 2|argument self.h).*Net needs width: add a call with literals"
    with pytest.raises(SpecError, match=needs):
        imported(tmp_path, net(init, "return self.conv(x)", "def __init__(self, width):"))


def test_methods_sequentials_and_other_classes_are_followed(tmp_path: Path) -> None:
    text = """
        import torch.nn as nn
        class Block(nn.Module):
            def __init__(self, cin, cout):
                super().__init__()
                self.conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
                self.bn = nn.BatchNorm2d(cout)
            def forward(self, x):
                return self.bn(self.conv(x)).relu()
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.one = Block(1, 4)
                self.two = Block(4, 6)
                self.tail = nn.Sequential(nn.MaxPool2d(2), nn.ReLU())
                self.head = nn.Linear(6, 10)
            def features(self, x):
                x = self.two(self.one(x))
                return self.tail(x)
            def forward(self, x):
                return self.head(self.features(x).mean((2, 3)))
    """
    layers = imported(tmp_path, dedent(text), (1, 8, 8)).network.layers
    kinds = [Conv, BatchNorm, ReLU] * 2 + [MaxPool, ReLU, GlobalAvgPool, FC]
    assert list(map(type, layers)) == kinds
    assert [layer.out_channels for layer in layers if isinstance(layer, Conv)] == [4, 6]


def test_what_differs_is_said(tmp_path: Path) -> None:
    init = f"{INIT}\nself.spare = nn.Linear(3, 3)"
    forward = "x = F.dropout(self.conv(x), 0.3)\nreturn self.fc(x.flatten(1))"
    notes = imported(tmp_path, net(init, forward), (1, 8, 8)).notes
    assert notes == (
        "line 11: without training=self.training this dropout also drops when the network is used; "
        "here it does not",
        "spare (line 9) is not used in what forward returns, and left out",
    )
    forward = (
        "x = F.dropout(self.conv(x), p=0.3, training=self.training)\nreturn self.fc(x.flatten(1))"
    )
    assert imported(tmp_path, net(INIT, forward), (1, 8, 8)).notes == ()


REFUSED = {
    "return x + self.conv(x)": "line 10: x + self.conv(x): the branch gives 4x6x6, the identity",
    "return x - self.conv(x)": "joins values by other than + or *",
    "return x + x": "joins a value with itself",
    "a = self.conv(x)\nb = a.relu()\nc = torch.cat([a, b], 1)\nd = c.tanh()\n"
    "return torch.cat([a, d, b], 1)": "uses a value inside the branches that line 12: torch",
    "a, b = x.chunk(2, 1)\nreturn a.relu()": "makes shares that are not joined",
    "a, b = x.chunk(2, 1)\nreturn torch.cat([b, a], 1)": "does not join every share",
    "a, b, c = x.chunk(2, 1)\nreturn a": "is not 3 values",
    "x = self.conv(x)\nreturn self.conv(x)": "line 11: self.conv is used twice and shares its",
    "if x.mean() > 0:\n    x = self.conv(x)\nreturn x": "line 10: forward has 'if x.mean() > 0'",
    "for i in range(3):\n    x = self.conv(x)\nreturn x": "forward has 'for i in range(3)'",
    "x += 1\nreturn x": "line 10: 1 is no module applied to a value",
    "return x, x": "is more than one value",
    "return self.other(x)": "line 10: self.other is not set in __init__",
    "return self.conv(x, x)": "line 10: self.conv is not applied to exactly one value",
    "return F.celu(self.conv(x))": "layers without a counterpart: line 10: F.celu",
    "return torch.cat([x, x])": "line 10: torch.cat does not concatenate channels (dim=1)",
    "return self.fc(torch.flatten(x))": "line 10: torch.flatten does not flatten all dimensions",
    "return x.view(4, -1)": "line 10: x.view does not flatten to (-1, n)",
    "return self.fc(self.conv(x).mean())": "does not average height and width",
    "return F.max_pool2d(x, size)": "has the argument size, which is not a literal",
    "return F.log_softmax(self.conv(x), 1).relu()": "in this position",
    "self.conv(x)": "line 10: forward has 'self.conv(x)'",
    "pass": "line 9: forward returns nothing",
    "return self.forward(x)": "calls itself",
    "return self.conv": "line 10: self.conv is no module applied to a value",
    "return helper(x)": "line 10: helper is no function of PyTorch",
    f"return x{'.relu()' * 900}": "",
    f"return {'F.relu(' * 150}x{')' * 150}": "",
}


@pytest.mark.parametrize("forward", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_chain_is_named_with_its_line(forward: str, tmp_path: Path) -> None:
    try:
        imported(tmp_path, net(INIT, forward), (1, 8, 8))
    except SpecError as error:
        assert REFUSED[forward] in str(error) and "\n" not in str(error)
        assert "net.py" in str(error)
    else:
        assert not REFUSED[forward]


@pytest.mark.parametrize(
    "forward",
    ["o, _ = self.rnn(x)\nreturn self.fc(o)", "return self.rnn(x)[0]", "return self.rnn(x, x)"],
)
def test_a_layer_of_several_values_is_told_as_one_without_a_counterpart(
    forward: str, tmp_path: Path
) -> None:
    init = f"{INIT}\nself.rnn = nn.LSTM(8, 16)"
    with pytest.raises(SpecError, match=r"layers without a counterpart: line 9: torch\.nn\.LSTM"):
        imported(tmp_path, net(init, forward), (1, 8, 8))


INITS = {
    "for i in range(10**9):\n    self.conv = nn.Conv2d(1, 4, 3)": "10 ** 9 is not known from",
    "for i in range(999999):\n    self.conv = nn.Conv2d(1, 4, 3)": "takes more than 20,000 steps",
    "self.conv = nn.Sequential(*[nn.ReLU() for _ in range(999999)])": "more than 2,000 entries",
    "a = [nn.ReLU()]\n" + "a = a + a\n" * 40 + "self.conv = nn.Sequential(*a)": "2,000 entries",
    "self.conv = Net()": "is a class that is defined only later",
    "self.conv = [nn.ReLU()]": "is not a single module",
    "self.conv = nn.ModuleList(nn.ReLU() for i in sizes)": "sizes is not known from literals",
    "if sizes:\n    self.conv = nn.ReLU()": "sizes is not known from literals",
    "self.conv = self.make()": "self.make",
}


@pytest.mark.parametrize("init", INITS, ids=range(len(INITS)))
def test_what_init_does_is_followed_within_limits(init: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        imported(tmp_path, net(init, "return self.conv(x)"), (1, 8, 8))
    assert INITS[init] in str(caught.value) and "\n" not in str(caught.value)


FORMS = {
    "c = (2, 4, 8)[-2]\nself.conv = nn.Conv2d(1, c, 3)": None,
    "sizes = [2, 4]\na, b = sizes\nself.conv = nn.Conv2d(1, b, 3)": None,
    "c: int = 3\nc += 1\nself.conv = nn.Conv2d(1, c, 3)": None,
    "for c in range(2, 5):\n    self.conv = nn.Conv2d(1, c, 3)": None,
    "for i, c in enumerate([3, 4]):\n    if i: self.add_module('conv', nn.Conv2d(1, c, 3))": None,
    "many = [nn.Conv2d(i, o, 3) for i, o in zip([1, 2], [2, 4])]\n"
    "self.conv = nn.Sequential(*many)": 2,
    "many = []\nmany.append(nn.Conv2d(1, 4, 3))\nmany.extend([nn.Tanh()])\n"
    "self.conv = nn.Sequential(*many)": 2,
    "from collections import OrderedDict\n"
    "self.conv = nn.Sequential(OrderedDict([('a', nn.Conv2d(1, 4, 3)), ('b', nn.Tanh())]))": 2,
    "make = nn.Conv2d\nself.conv = make(1, 4, 3) if True else nn.Tanh()": None,
}


@pytest.mark.parametrize(("init", "several"), FORMS.items(), ids=range(len(FORMS)))
def test_forms_of_the_same_init(init: str, several: int | None, tmp_path: Path) -> None:
    layers = imported(tmp_path, net(init, "return self.conv(x)"), (1, 8, 8)).network.layers
    convs = [layer for layer in layers if isinstance(layer, Conv)]
    assert convs[-1].out_channels == 4 and len(layers) == (several or 1)


def test_one_of_several_classes_is_named(tmp_path: Path) -> None:
    text = net(INIT, "return self.fc(self.conv(x).flatten(1))")
    text += net("self.fc = nn.Linear(64, 2)", "return self.fc(x.flatten(1))").replace("Net", "Tiny")
    with pytest.raises(SpecError, match=r"has 2 networks: Net \(line 4\) and Tiny .*--name"):
        imported(tmp_path, text, (1, 8, 8))
    found = imported(tmp_path, text, (1, 8, 8), "Tiny").network
    assert found.layers == (FC(out_features=2, name="fc"),)


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = net("self.conv = nn.Conv2d(1, open('ran', 'w').write('x'), 3)", "return self.conv(x)")
    with pytest.raises(SpecError, match="not a literal"):
        imported(tmp_path, f"open('ran', 'w')\n{text}", (1, 8, 8))
    assert not Path("ran").exists()


def test_a_wrong_value_is_not_laid_on_the_size_of_the_images(tmp_path: Path) -> None:
    for line, hint in (("F.elu(x, 2.0)", False), ("F.max_pool2d(x, 99)", True)):
        with pytest.raises(SpecError) as caught:
            imported(tmp_path, CIFAR.replace("F.relu(self.conv1(x))", line), (3, 32, 32))
        assert ("Check the input size" in caught.value.hint) == hint, line
