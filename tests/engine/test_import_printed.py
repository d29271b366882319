"""What PyTorch prints of a module, read back: the same network, or one line that says why not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sequentials import NETS, assert_same_scores, peer

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.result import Imported, Size
from cnn_tui.engine.importing.torch_network import import_module
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Residual

ALEXNET = """AlexNet(
  (features): Sequential(
    (0): Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=(2, 2))
    (1): ReLU(inplace=True)
    (2): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
    (3): Conv2d(64, 192, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    (4): ReLU(inplace=True)
    (5): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
    (6): Conv2d(192, 384, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    (7): ReLU(inplace=True)
    (8): Conv2d(384, 256, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    (9): ReLU(inplace=True)
    (10): Conv2d(256, 256, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    (11): ReLU(inplace=True)
    (12): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
  )
  (avgpool): AdaptiveAvgPool2d(output_size=(6, 6))
  (classifier): Sequential(
    (0): Dropout(p=0.5, inplace=False)
    (1): Linear(in_features=9216, out_features=4096, bias=True)
    (2): ReLU(inplace=True)
    (3): Dropout(p=0.5, inplace=False)
    (4): Linear(in_features=4096, out_features=4096, bias=True)
    (5): ReLU(inplace=True)
    (6): Linear(in_features=4096, out_features=1000, bias=True)
  )
)
"""


def imported(tmp_path: Path, text: str, size: Size | None = None) -> Imported:
    (tmp_path / "net.txt").write_text(text)
    return import_network(tmp_path / "net.txt", size)


@pytest.mark.parametrize("name", NETS)
def test_a_print_is_the_network_that_was_printed(name: str, tmp_path: Path) -> None:
    text, size = NETS[name]
    module = peer(text)
    found = imported(tmp_path, str(module), size)
    assert found.notes == ()
    assert found.network.layers == import_module(module, size).network.layers
    assert_same_scores(found.network, module)


def test_every_module_is_printed_as_it_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    nn = torch.nn
    module = nn.Sequential(
        nn.Conv2d(4, 8, (3, 5), padding="same", bias=False, groups=2),
        nn.GroupNorm(2, 8), nn.PReLU(8), nn.GELU(approximate="tanh"), nn.ELU(0.5), nn.ReLU6(),
        nn.LocalResponseNorm(3), nn.SiLU(), nn.Hardswish(), nn.Hardsigmoid(),
        nn.AvgPool2d(2), nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.BatchNorm2d(8, eps=1e-3, momentum=0.2), nn.LayerNorm([8, 3, 3]),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip
    found = imported(tmp_path, str(module), (4, 8, 8))
    assert found.network.layers == import_module(module, (4, 8, 8)).network.layers


def test_alexnet_of_torchvision(tmp_path: Path) -> None:
    found = imported(tmp_path, ALEXNET, (3, 224, 224))
    assert check(found.network).total_params == 61_100_840
    assert any("in the order in which they are printed" in note for note in found.notes)
    assert any("a Flatten before its first Linear is added" in note for note in found.notes)


BLOCK = """ResNet(
  (conv1): Conv2d(3, 8, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)
  (layer1): Sequential(
    (0-1): 2 x BasicBlock(
      (conv1): Conv2d(8, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (bn1): BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (relu): ReLU(inplace=True)
      (conv2): Conv2d(8, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (bn2): BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
    )
    (2): BasicBlock(
      (conv1): Conv2d(8, 16, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
      (bn1): BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (relu): ReLU(inplace=True)
      (conv2): Conv2d(16, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (bn2): BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (downsample): Sequential(
        (0): Conv2d(8, 16, kernel_size=(1, 1), stride=(2, 2), bias=False)
        (1): BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      )
    )
  )
  (avgpool): AdaptiveAvgPool2d(output_size=(1, 1))
  (fc): Linear(in_features=16, out_features=10, bias=True)
)"""


def test_blocks_of_a_resnet_and_copies(tmp_path: Path) -> None:
    layers = imported(tmp_path, BLOCK, (3, 32, 32)).network.layers
    blocks = [layer for layer in layers if isinstance(layer, Residual)]
    assert [block.shortcut for block in blocks] == ["identity", "identity", "projection"]
    assert blocks[2].stride == 2 and layers[-1] == FC(out_features=10, name="fc")


REFUSED = {
    "": "is empty",
    "\n\n": "is empty",
    "hello": "line 1 is no module as PyTorch prints it",
    "Sequential(": "ends inside Sequential (line 1)",
    "Sequential(\n  (0): ReLU()\n)\nmore": "line 4: the network has ended before it",
    "Sequential(\n  (0): Mystery(\n    (a): ReLU()\n  )\n  (1): Odd()\n)":
        "layers without a counterpart: line 2: Mystery and line 5: Odd",
    "Sequential(\n  (0): Conv2d(3, 4, kernel_size=\n)": "line 2 is cut off",
    "Sequential(\n  (0): Conv2d(3, 4, kernel_size=open('x'))\n)": "settings that are no literals",
    "Sequential(\n  (0-999999999): 999999999 x ReLU()\n)": "",
    "Sequential(\n" * 500: "no module as PyTorch prints it",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_print_of_a_network_is_refused_in_a_line(text: str, tmp_path: Path) -> None:
    try:
        imported(tmp_path, text, (3, 8, 8))
    except SpecError as error:
        assert REFUSED[text] in str(error) and "\n" not in str(error)
        assert "net.txt" in str(error)
    else:
        assert not REFUSED[text]


@given(st.text(alphabet="Sequential()[]{}:'\"=*01-x \n", max_size=80))
def test_any_text_is_a_network_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text(text)
    with suppress(SpecError):
        import_network(path, (1, 8, 8))
