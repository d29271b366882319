"""Remedies for faults: proposed by the babysitter's rules, applied on the user's request.

A remedy has new values of the recipe (``lr``, ``momentum``, ``l2``, ``initializer``,
``normalize``, ``shuffle``, ``balance``, ``shift``), of every layer of a type (``dropout``,
``activation``) or, as a factor, of the width of the hidden layers (``width``). A remedy without
changes is advice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import msgspec

from cnn_tui.engine.specs.inside import BLOCKS, lists_in, with_lists
from cnn_tui.engine.specs.layers import FC, Conv, Dropout, Layer, LeakyReLU, Parallel, ReLU
from cnn_tui.engine.specs.network import InitializerName, Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import Remedy
from cnn_tui.engine.training.settings import SETTING_NAMES

Activation = Literal["relu", "leaky_relu"]
_MOST_LR = 1e6
"""What a recipe allows."""


def advise(description: str) -> Remedy:
    """Advice that only the user can follow."""
    return Remedy(description, {})


def learning_rate(lr: float, *, restart: bool) -> Remedy:
    """A change of the learning rate."""
    return _set("the learning rate", "lr", min(lr, _MOST_LR), restart=restart)


def momentum(factor: float) -> Remedy:
    """A restart with another momentum."""
    return _set("the momentum", "momentum", factor, restart=True)


def l2_strength(l2: float, *, restart: bool) -> Remedy:
    """A change of the strength of L2."""
    return _set("L2", "l2", l2, restart=restart)


def _set(what: str, name: str, value: float, *, restart: bool) -> Remedy:
    value = _round(value)
    verb, preposition = ("Restart with", "at") if restart else ("Set", "to")
    return Remedy(f"{verb} {what} {preposition} {value:g}.", {name: value}, restart)


def initializer(name: InitializerName) -> Remedy:
    """A restart with another initializer."""
    return Remedy(f"Restart with the initializer {name}.", {"initializer": name}, True)


def fresh_weights(name: InitializerName) -> Remedy:
    """A restart with the same recipe, for weights that began in a bad place."""
    return Remedy("Restart with new random weights.", {"initializer": name}, True)


def normalize() -> Remedy:
    """A restart with images of mean 0 and standard deviation 1."""
    return Remedy("Restart with normalised images.", {"normalize": True}, True)


def shuffle() -> Remedy:
    """A restart with another order of the images in every epoch."""
    return Remedy("Restart with shuffled images.", {"shuffle": True}, True)


def balance() -> Remedy:
    """A restart with images of each class drawn equally often."""
    words = "Restart with images of each class drawn equally often."
    return Remedy(words, {"balance": "sampling"}, True)


def augment(pixels: int) -> Remedy:
    """A restart with randomly shifted training images."""
    plural = "s" * (pixels != 1)
    return Remedy(
        f"Restart with training images shifted by up to {pixels} pixel{plural}; more images would "
        "be better still.",
        {"shift": pixels},
        True,
    )


def activation(name: Activation) -> Remedy:
    """A restart with other activations: leaky ReLUs, or ReLUs in place of saturating ones."""
    old, new = ("ReLUs", "leaky ReLUs") if name == "leaky_relu" else ("sigmoids", "ReLUs")
    return Remedy(f"Restart with {new} in place of {old}.", {"activation": name}, True)


def widen(factor: int) -> Remedy:
    """A restart with wider hidden layers."""
    return Remedy(f"Restart with {factor} times the width.", {"width": factor}, True)


def drop(p: float, *, restart: bool = False) -> Remedy:
    """A change of the dropout probability."""
    words = f"Restart with dropout at {p:g}." if restart else f"Set dropout to {p:g}."
    return Remedy(words, {"dropout": p}, restart)


def apply(network: Network, remedy: Remedy) -> Network:
    """The network to restart with."""
    for name, value in remedy.changes.items():
        match name, value:
            case "width", float() | int():
                network = scale_widths(network, value)
            case "activation", str():
                network = _with_activation(network, value)
            case "dropout", float():
                network = _with_dropout(network, value)
            case _:
                network = network.with_training(**{name: value})
    return network


def steer(control: Control, remedy: Remedy) -> None:
    """Apply a remedy that needs no restart to a running training."""
    for name in SETTING_NAMES:
        value = remedy.changes.get(name)
        if isinstance(value, float | int):
            control.set(name, value)


def _with_activation(network: Network, name: str) -> Network:
    def changed(layer: Layer) -> Layer:
        if name == "leaky_relu":
            return LeakyReLU(name=layer.name) if layer.info.dies else layer
        return ReLU(name=layer.name) if layer.info.saturates else layer

    return _each(network, changed)


def _with_dropout(network: Network, p: float) -> Network:
    def changed(layer: Layer) -> Layer:
        return msgspec.structs.replace(layer, p=p) if isinstance(layer, Dropout) else layer

    return _each(network, changed)


def _each(network: Network, change: Callable[[Layer], Layer]) -> Network:
    """The network with every layer replaced by ``change``, except blocks and gates.

    A gate is a sigmoid whose values multiply others, as in squeeze-and-excitation.
    """

    def changed(layer: Layer) -> Layer:
        if not isinstance(layer, BLOCKS):
            return change(layer)
        gated = isinstance(layer, Parallel) and layer.merge == "multiply"
        lists = []
        for inner in lists_in(layer):
            free = len(inner) - (gated and bool(inner) and inner[-1].info.saturates)
            lists.append((*map(changed, inner[:free]), *inner[free:]))
        return with_lists(layer, lists)

    return msgspec.structs.replace(network, layers=tuple(map(changed, network.layers)))


def _round(value: float) -> float:
    """The value with two digits, such as 0.0032 for a learning rate of 0.00316228."""
    return float(f"{value:.2g}") if math.isfinite(value) else value


_MOST = 65536


def scale_widths(network: Network, factor: float) -> Network:
    """The network with ``factor`` times the outputs of every conv and fc layer except the last.

    Layers of equal width stay equal; :func:`cnn_tui.engine.specs.check.check` reports whether
    residual blocks still fit.
    """
    weighted = [i for i, layer in enumerate(network.layers) if isinstance(layer, Conv | FC)]
    last = weighted[-1] if weighted else -1
    layers = tuple(
        layer if number == last else _scaled(layer, factor)
        for number, layer in enumerate(network.layers)
    )
    return msgspec.structs.replace(network, layers=layers)


def _scaled(layer: Layer, factor: float) -> Layer:
    match layer:
        case Conv():
            groups = max(1, round(layer.out_channels * factor / layer.groups))
            width = min(groups * layer.groups, _MOST // layer.groups * layer.groups)
            return msgspec.structs.replace(layer, out_channels=width)
        case FC():
            width = min(max(1, round(layer.out_features * factor)), _MOST)
            return msgspec.structs.replace(layer, out_features=width)
    lists = [tuple(_scaled(inner, factor) for inner in inside) for inside in lists_in(layer)]
    return with_lists(layer, lists)
