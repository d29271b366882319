"""torchvision's networks with random weights, also where its compiled operators do not load."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


def torchvision_models() -> Any:
    """``torchvision.models``; skips the test where torchvision is not installed."""
    torch = pytest.importorskip("torch")
    try:
        return pytest.importorskip("torchvision").models
    except RuntimeError:
        # Its wheels are built for PyTorch with CUDA. Without that only two operators for boxes are
        # missing, of which the networks here need none.
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
        return importlib.import_module("torchvision.models")


def random_network(name: str) -> Any:
    """A network in evaluation mode whose weights and statistics all make a difference."""
    torch, models = pytest.importorskip("torch"), torchvision_models()
    torch.manual_seed(5)
    extra = {"aux_logits": True, "init_weights": False} if name == "googlenet" else {}
    network = models.get_model(name, weights=None, **extra).eval()
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point() and (tensor.ndim == 1 or key.endswith("layer_scale")):
            centred = key.endswith(("bias", "running_mean"))
            tensor.uniform_(*((-0.1, 0.1) if centred else (0.5, 1.5)))
    return network
