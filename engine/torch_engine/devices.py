"""Where PyTorch computes, how exactly, and what to say if it cannot."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from cnn_tui.engine.errors import EngineError
from cnn_tui.engine.specs.network import Recipe


def find_device(recipe: Recipe, number: int = 0) -> torch.device:
    """The device of a recipe; of several GPUs the one with this number.

    Raises:
        EngineError: if there is no such device, or it does not have the precision of the recipe.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind = recipe.device
    if kind == "auto":
        kind = next((name for name in ("cuda", "mps") if there[name]), "cpu")
    elif not there.get(kind, True):
        having = ", ".join(["cpu", *(name for name, found in there.items() if found)])
        raise EngineError(
            f"PyTorch {torch.__version__} finds no device {kind} on this machine.",
            f"It has: {having}. Set device, or leave it at auto.",
        )
    device = torch.device(kind, number) if kind == "cuda" else torch.device(kind)
    _require_precision(recipe, device)
    return device


def _require_precision(recipe: Recipe, device: torch.device) -> None:
    lacks = False
    if recipe.precision == "tf32":
        lacks = device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)
    elif recipe.precision == "bf16" and device.type == "cuda":
        lacks = not torch.cuda.is_bf16_supported(including_emulation=False)
    if lacks:
        raise EngineError(
            f"The device {device_name(device)} does not have the precision {recipe.precision}.",
            "Set precision = float32; tf32 takes an NVIDIA GPU from Ampere on.",
        )


def device_name(device: torch.device) -> str:
    """Return the device for people: ``cuda (NVIDIA H100)``."""
    if device.type == "cuda":
        return f"cuda:{device.index} ({torch.cuda.get_device_name(device)})"
    return str(device)


def set_precision(recipe: Recipe) -> None:
    """Set how PyTorch rounds on a GPU, for the whole process; float32 is float32 everywhere."""
    tf32 = recipe.precision == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.deterministic = recipe.deterministic
    if recipe.deterministic:
        # cuBLAS reads it when it begins; operations without such a form only warn.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(recipe.deterministic, warn_only=True)


def autocast(recipe: Recipe, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a network computes: in bfloat16 if the recipe says so."""
    if recipe.precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of PyTorch says that a device has too little memory."""
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
