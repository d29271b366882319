"""Compares an imported network with what onnxruntime computes from the file."""

from __future__ import annotations

import importlib
from contextlib import closing
from pathlib import Path

import numpy as np

from cnn_tui.engine.importing.result import Imported
from cnn_tui.engine.transforms.carry import model_with

_IMAGES = 2


def largest_difference(path: Path, imported: Imported, seed: int = 0) -> float | None:
    """Return the largest difference of a score on random pixels, as a share of the largest score.

    Where the file ends with a softmax, probabilities are compared. None if onnxruntime is not
    installed, or cannot run the file.
    """
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError:
        return None
    if imported.held is None:
        return None
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (declared,) = session.get_inputs()
        images, given = _images(imported, declared.shape, seed)
        (theirs,) = session.run(None, {declared.name: given})
    except Exception:  # the runtime raises errors of many types, also for what it lacks
        return None
    ours = scores_of(imported, images)
    theirs = np.asarray(theirs, np.float64).reshape(ours.shape)
    ours = _like(ours.astype(np.float64), theirs, imported.held.ends)
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30))


def scores_of(imported: Imported, images: np.ndarray) -> np.ndarray:
    """Return the scores ``(N, classes)`` of images ``(N, C, H, W)`` as the source takes them."""
    held = imported.held
    assert held is not None
    pixels = held.pixels.of(imported.network.input[0])
    mean, std = (np.array(one, np.float32).reshape(-1, 1, 1) for one in (pixels.mean, pixels.std))
    with closing(model_with(imported.network, held.arrays)) as model:
        return model.forward((images - mean) / std)


def _images(imported: Imported, shape: list[object], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pixels, ``(N, C, H, W)`` and as the file wants them."""
    size, held = imported.network.input, imported.held
    assert held is not None
    count = shape[0] if shape and isinstance(shape[0], int) else _IMAGES
    rng = np.random.default_rng(seed)
    images = rng.random((count, *size), dtype=np.float32) * np.float32(held.pixels.peak)
    if len(shape) == 2:
        return images, images.reshape(count, -1)
    if held.channels_last:
        return images, np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return images, images


def _like(scores: np.ndarray, theirs: np.ndarray, ends: str) -> np.ndarray:
    """The scores after the softmax with which the file ends, if it does."""
    if not ends:
        return scores
    powers = np.exp(scores - scores.max(1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return np.log(shares) if ends == "LogSoftmax" else shares
