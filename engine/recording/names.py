"""The names that other libraries give to loss, accuracy and learning rate."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPLIT = r"(?P<split>train|training|val|valid|validation|eval|test)"
_PREFIXED = re.compile(rf"{_SPLIT}[/_. ](?P<name>.+)", re.IGNORECASE)
_SUFFIXED = re.compile(rf"(?P<name>.+)[/_. ]{_SPLIT}", re.IGNORECASE)
_TRAINING = ("train", "training")
_LOSSES = ("loss", "ce_loss", "cross_entropy", "nll_loss")
_ACCURACIES = (
    "accuracy", "acc", "acc1", "top1", "multiclassaccuracy", "binaryaccuracy",
    "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy",
)  # fmt: skip
_RATES = ("lr", "learning_rate", "learning rate")
_LR_MONITOR = re.compile(r"lr-[\w.]+(/pg\d+)?(-\d+)?")


def known_name(name: str) -> tuple[str, bool]:
    """A figure by the name that :class:`RecordedRun` knows, and whether it is of validation.

    ``val/acc`` is ``accuracy`` of validation, ``train_loss`` is ``loss``; a name that is not known
    stays as it is.
    """
    found = _PREFIXED.fullmatch(name) or _SUFFIXED.fullmatch(name)
    bare = (found["name"] if found else name).lower()
    val = bool(found) and found["split"].lower() not in _TRAINING if found else False
    if bare in _LOSSES:
        return "loss", val
    if bare in _ACCURACIES:
        return "accuracy", val
    if bare in _RATES or _LR_MONITOR.fullmatch(bare):
        return "lr", val
    return name, val


def by_split(figures: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Figures of training and of validation, by known names; those of validation as ``val_loss``.

    Of two that mean the same, such as the rates of two groups of weights, the first counts and
    the other keeps its own name.
    """
    train, val = dict[str, object](), dict[str, object]()
    for name, value in figures.items():
        known, of_val = known_name(name)
        own = f"val_{known}" if of_val and known != name else known
        target = val if of_val else train
        target[name if own in target else own] = value
    return train, val
