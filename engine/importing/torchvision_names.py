"""The names of torchvision's modules, in the order in which our presets compute them.

Each list has a name for every layer with weights; ``state_dict()`` of torchvision's network has
its tensors under these. A name that ends in ``layer_scale`` is that of a tensor itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple


class Naming(NamedTuple):
    """The modules of one of torchvision's networks."""

    modules: tuple[str, ...]
    optional: tuple[str, ...] = ()
    """Prefixes of the names of tensors that the preset leaves out."""
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """How pixels from 0 to 1 are normalised for torchvision's own weights."""
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


def _vgg(counts: Sequence[int], *, norms: bool = False) -> Iterator[str]:
    at = 0
    for count in counts:
        for _ in range(count):
            yield f"features.{at}"
            if norms:
                yield f"features.{at + 1}"
            at += 3 if norms else 2
        at += 1
    yield from _within("classifier", "0 3 6")


def _resnet(counts: Sequence[int], convolutions: int) -> Iterator[str]:
    yield from ("conv1", "bn1")
    for stage, count in enumerate(counts, 1):
        for block in range(count):
            inner = [f"conv{n} bn{n}" for n in range(1, convolutions + 1)]
            if block == 0 and (stage > 1 or convolutions == 3):
                inner.append("downsample.0 downsample.1")
            yield from _within(f"layer{stage}.{block}", " ".join(inner))
    yield "fc"


def _densenet(counts: Sequence[int]) -> Iterator[str]:
    yield from _within("features", "conv0 norm0")
    for block, count in enumerate(counts, 1):
        for layer in range(1, count + 1):
            place = f"features.denseblock{block}.denselayer{layer}"
            yield from _within(place, "norm1 conv1 norm2 conv2")
        if block < len(counts):
            yield from _within(f"features.transition{block}", "norm conv")
    yield from ("features.norm5", "classifier")


def _googlenet() -> Iterator[str]:
    inception = "branch1 branch2.0 branch2.1 branch3.0 branch3.1 branch4.1"
    modules = _within("inception", "3a 3b 4a 4b 4c 4d 4e 5a 5b", "")
    places = chain.from_iterable(_within(module, inception) for module in modules)
    for place in ("conv1", "conv2", "conv3", *places):
        yield from _within(place, "conv bn")
    yield "fc"


def _squeezenet(fires: Sequence[int]) -> Iterator[str]:
    yield "features.0"
    for at in fires:
        yield from _within(f"features.{at}", "squeeze expand1x1 expand3x3")
    yield "classifier.1"


def _mobilenet_v2() -> Iterator[str]:
    yield from _within("features", "0.0 0.1")
    yield from _within("features.1.conv", "0.0 0.1 1 2")
    for at in range(2, 18):
        yield from _within(f"features.{at}.conv", "0.0 0.1 1.0 1.1 2 3")
    yield from ("features.18.0", "features.18.1", "classifier.1")


def _mobilenet_v3_small() -> Iterator[str]:
    yield from _within("features", "0.0 0.1")
    yield from _within("features.1.block", "0.0 0.1 1.fc1 1.fc2 2.0 2.1")
    for at in (2, 3):
        yield from _within(f"features.{at}.block", "0.0 0.1 1.0 1.1 2.0 2.1")
    for at in range(4, 12):
        yield from _within(f"features.{at}.block", _SQUEEZED)
    yield from ("features.12.0", "features.12.1", "classifier.0", "classifier.3")


_SQUEEZED = "0.0 0.1 1.0 1.1 2.fc1 2.fc2 3.0 3.1"
"""An inverted residual block with squeeze-and-excitation."""


def _efficientnet(counts: Sequence[int]) -> Iterator[str]:
    yield from _within("features", "0.0 0.1")
    for stage, count in enumerate(counts, 1):
        for block in range(count):
            first = "0.0 0.1 1.fc1 1.fc2 2.0 2.1"
            yield from _within(
                f"features.{stage}.{block}.block", first if stage == 1 else _SQUEEZED
            )
    yield from ("features.8.0", "features.8.1", "classifier.1")


def _mnasnet(counts: Sequence[int]) -> Iterator[str]:
    yield from _within("layers", "0 1 3 4 6 7")
    for stack, count in enumerate(counts, 8):
        for block in range(count):
            yield from _within(f"layers.{stack}.{block}.layers", "0 1 3 4 6 7")
    yield from ("layers.14", "layers.15", "classifier.1")


def _shufflenet(counts: Sequence[int]) -> Iterator[str]:
    yield from ("conv1.0", "conv1.1")
    for stage, count in enumerate(counts, 2):
        for block in range(count):
            if block == 0:
                yield from _within(f"stage{stage}.0.branch1", "0 1 2 3")
            yield from _within(f"stage{stage}.{block}.branch2", "0 1 3 4 5 6")
    yield from ("conv5.0", "conv5.1", "fc")


def _convnext(counts: Sequence[int]) -> Iterator[str]:
    for stage, count in enumerate(counts):
        yield from _within(f"features.{2 * stage}", "0 1")
        for block in range(count):
            place = f"features.{2 * stage + 1}.{block}"
            yield from _within(place, "block.0 block.2 block.3 block.5 layer_scale")
    yield from ("classifier.0", "classifier.2")


def _within(place: str, names: str, dot: str = ".") -> Iterator[str]:
    yield from (f"{place}{dot}{name}" for name in names.split())


NAMINGS: dict[str, Naming] = {
    "vgg11": Naming(tuple(_vgg((1, 1, 2, 2, 2)))),
    "vgg13": Naming(tuple(_vgg((2, 2, 2, 2, 2)))),
    "vgg16": Naming(tuple(_vgg((2, 2, 3, 3, 3)))),
    "vgg16_bn": Naming(tuple(_vgg((2, 2, 3, 3, 3), norms=True))),
    "vgg19": Naming(tuple(_vgg((2, 2, 4, 4, 4)))),
    "resnet18": Naming(tuple(_resnet((2, 2, 2, 2), 2))),
    "resnet34": Naming(tuple(_resnet((3, 4, 6, 3), 2))),
    "resnet50": Naming(tuple(_resnet((3, 4, 6, 3), 3))),
    "resnet101": Naming(tuple(_resnet((3, 4, 23, 3), 3))),
    "wide_resnet50_2": Naming(tuple(_resnet((3, 4, 6, 3), 3))),
    "resnext50_32x4d": Naming(tuple(_resnet((3, 4, 6, 3), 3))),
    "densenet121": Naming(tuple(_densenet((6, 12, 24, 16)))),
    "googlenet": Naming(
        # Its weights come from another program, which scaled pixels to -1..1.
        tuple(_googlenet()),
        ("aux1.", "aux2."),
        (0.5, 0.5, 0.5),
        (0.5, 0.5, 0.5),
    ),
    "squeezenet1_0": Naming(tuple(_squeezenet((3, 4, 5, 7, 8, 9, 10, 12)))),
    "squeezenet1_1": Naming(tuple(_squeezenet((3, 4, 6, 7, 9, 10, 11, 12)))),
    "mobilenet_v2": Naming(tuple(_mobilenet_v2())),
    "mobilenet_v3_small": Naming(tuple(_mobilenet_v3_small())),
    "shufflenet_v2_x1_0": Naming(tuple(_shufflenet((4, 8, 4)))),
    "mnasnet1_0": Naming(tuple(_mnasnet((3, 3, 3, 2, 4, 1)))),
    "efficientnet_b0": Naming(tuple(_efficientnet((1, 2, 2, 3, 3, 4, 1)))),
    "convnext_tiny": Naming(tuple(_convnext((3, 3, 9, 3)))),
}
"""How the names are formed, by the names of presets, which are torchvision's."""
