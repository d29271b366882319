"""Which rewritings of layers are offered, and that each works or says why not."""

from __future__ import annotations

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    MaxPool,
    ReLU,
)
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.transforms import (
    transforms_for,
)
from cnn_tui.engine.transforms.verify import verify

LENET = load_preset("lenet5")


def test_what_is_offered_for_a_layer():
    offered = {type(layer): [one.kind for one in transforms_for(layer)] for layer in LENET.layers}
    assert offered == {
        Conv: ["conv-to-fc", "kernel-to-stack"],
        ReLU: [],
        MaxPool: ["pool-to-conv"],
        FC: ["fc-to-conv"],
    }


def test_every_offer_of_every_small_preset_works_or_says_why():
    for name in ("lenet5", "digits-convnet", "convnetjs-cifar", "three-layer"):
        network = load_preset(name)
        for position, layer in enumerate(network.layers):
            for transform in transforms_for(layer):
                try:
                    rewritten = transform.make(network, (position,))
                except ShapeError as error:
                    assert error.message.endswith(".")
                else:
                    assert verify(rewritten, images=2).passed
