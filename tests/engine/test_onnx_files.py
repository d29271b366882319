"""Real ONNX files with their weights, compared with onnxruntime, as ``docs/onnx-files.md`` tells.

``CNN_TUI_WRITE=1`` in the environment writes the rows of the page anew; otherwise they are compared
but for the differences, which depend on the machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx_models import exported, zoo
from torchvision_models import random_network

from cnn_tui.engine.importing.onnx_compare import largest_difference
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.specs.check import check

pytestmark = pytest.mark.slow
pytest.importorskip("onnxruntime", reason="onnxruntime, to compare with, is not installed")

PAGE = Path(__file__).parents[2] / "docs" / "onnx-files.md"
ZOO = (
    "light_bvlc_alexnet",
    "light_vgg19",
    "light_zfnet512",
    "light_resnet50",
    "light_squeezenet",
    "light_inception_v1",
    "light_inception_v2",
    "light_densenet121",
    "light_shufflenet",
)
TORCHVISION = (
    "resnet18",
    "mobilenet_v2",
    "densenet121",
    "googlenet",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "convnext_tiny",
)
CASES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    f"{name}.onnx": ("the onnx wheel", lambda path, name=name: zoo(name, path)) for name in ZOO
}
for _name in TORCHVISION:
    for _dynamo in (False, True):
        if (_name, _dynamo) == ("convnext_tiny", True):
            # Its export addresses the memory of an array, which no layer does.
            continue
        kind = "dynamo" if _dynamo else "script"
        CASES[f"{_name}-{kind}.onnx"] = (
            f"torchvision, `dynamo={_dynamo}`",
            lambda path, name=_name, dynamo=_dynamo: torchvision(name, path, dynamo),
        )


def torchvision(name: str, path: Path, dynamo: bool) -> Path:
    torch = pytest.importorskip("torch")
    return exported(random_network(name), torch.zeros(1, 3, 224, 224), path, dynamo=dynamo)


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_imported_with_its_weights(name: str, tmp_path: Path) -> None:
    source, make = CASES[name]
    path = make(tmp_path / name)
    imported = import_network(path)
    assert imported.held is not None
    difference = largest_difference(path, imported)
    # A sum of 25,088 products, as in VGG-19, depends on its order in the fifth digit.
    assert difference is not None and difference < 2e-5
    report = check(imported.network)
    assert report.valid
    figures = f"{imported.held.nodes:,} | {len(report.layers)} | {report.total_params:,}"
    row = f"| `{name}` | {source} | {figures} |"
    if os.environ.get("CNN_TUI_WRITE"):
        write(name, f"{row} {difference:.1e} |")
    assert row in PAGE.read_text()


def write(name: str, row: str) -> None:
    text = PAGE.read_text()
    old = re.search(rf"^\| `{re.escape(name)}` .*$", text, re.MULTILINE)
    end = "<!-- /files -->"
    text = text.replace(old[0], row) if old else text.replace(end, f"{row}\n{end}")
    PAGE.write_text(text)
