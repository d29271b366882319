"""Classes of ``nn.Module`` whose values part and join: the same scores as in PyTorch."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from sequentials import assert_same_scores

from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.specs.inside import BLOCKS
from cnn_tui.engine.specs.layers import Parallel, Residual
from cnn_tui.engine.specs.quick.write import to_quick

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
SIZE = (4, 8, 8)
FIRE = """
    class Fire(nn.Module):
        def __init__(self, inplanes, squeeze, expand):
            super().__init__()
            self.squeeze = nn.Conv2d(inplanes, squeeze, kernel_size=1)
            self.act = nn.ReLU(inplace=True)
            self.expand1x1 = nn.Conv2d(squeeze, expand, kernel_size=1)
            self.expand3x3 = nn.Conv2d(squeeze, expand, kernel_size=3, padding=1)
        def forward(self, x):
            x = self.act(self.squeeze(x))
            return torch.cat([self.act(self.expand1x1(x)), self.act(self.expand3x3(x))], 1)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fire = Fire(4, 2, 4)
            self.more = Fire(8, 3, expand=6)
            self.classifier = nn.Sequential(nn.Conv2d(12, 5, 1), nn.AdaptiveAvgPool2d((1, 1)))
        def forward(self, x):
            return torch.flatten(self.classifier(self.more(self.fire(x))), 1)
"""
INCEPTION = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch1 = nn.Conv2d(4, 2, 1)
            self.branch2 = nn.Sequential(
                nn.Conv2d(4, 3, 1), nn.ReLU(), nn.Conv2d(3, 4, 3, padding=1)
            )
            self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(4, 2, 1))
            self.fc = nn.Linear(8, 3)
        def forward(self, x):
            outputs = [self.branch1(x), self.branch2(x)]
            outputs.append(self.branch4(x))
            x = torch.cat(outputs, dim=1)
            return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
"""
BASIC = """
    class Block(nn.Module):
        def __init__(self, cin, cout, stride=1, bn=True):
            super().__init__()
            self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(cout)
            self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
            self.same = stride == 1 and cin == cout
            self.pool = None
            self.down = nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)
            )
        def forward(self, x):
            identity = x
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.conv2(out)
            if self.pool is not None:
                out = self.pool(out)
            if not self.same:
                identity = self.down(x)
            out += identity
            return F.relu(out)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.two = Block(4, 6, stride=2)
            self.head = nn.Linear(6, 3)
        def forward(self, x):
            return self.head(self.two(x).mean([2, 3]))
"""
SQUEEZE = """
    class Net(nn.Module):
        def __init__(self, c=4, r=2):
            super().__init__()
            self.avg_pool = nn.AdaptiveAvgPool2d(1)
            self.se = nn.Sequential(
                nn.Linear(c, c // r), nn.ReLU(), nn.Linear(c // r, c), nn.Sigmoid()
            )
            self.fc = nn.Linear(c * 64, 3)
        def forward(self, x):
            b, c, _, _ = x.size()
            y = self.avg_pool(x).view(b, c)
            y = self.se(y).view(b, c, 1, 1)
            x = x * y.expand_as(x)
            return self.fc(x.view(b, -1))
"""
DENSE = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Conv2d(4, 3, 3, padding=1)
            self.two = nn.Conv2d(7, 3, 3, padding=1)
            self.three = nn.Conv2d(10, 3, 1)
            self.fc = nn.Linear(13 * 64, 3)
        def forward(self, x):
            a = self.one(x)
            b = self.two(torch.cat([x, a], 1))
            c = self.three(torch.cat([x, a, b], 1))
            return self.fc(torch.cat([x, a, b, c], 1).flatten(1))
"""
SHUFFLE = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3, padding=1)
            self.fc = nn.Linear(5 * 64, 3)
        def forward(self, x):
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.conv(x2)), dim=1)
            if self.training:
                out = F.dropout(out)
            return self.fc(torch.flatten(out, 1))
"""
NESTED = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(4, 2, 1)
            self.b = nn.Conv2d(2, 2, 3, padding=1)
            self.c = nn.Conv2d(2, 2, 3, padding=1)
            self.fc = nn.Linear(8 * 64, 3)
        def forward(self, x):
            y = self.a(x)
            z = torch.add(self.b(y), self.c(y))
            return self.fc(torch.cat([x, y, z], 1).flatten(1))
"""
VGG = """
    class VGG(nn.Module):
        def __init__(self, features, num_classes=3, dropout=0.5):
            super().__init__()
            self.features = features
            self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
            self.classifier = nn.Sequential(
                nn.Linear(8 * 2 * 2, 5), nn.ReLU(True), nn.Dropout(p=dropout),
                nn.Linear(5, num_classes),
            )
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        def forward(self, x):
            x = self.features(x)
            x = self.avgpool(x)
            x = torch.flatten(x, 1)
            return self.classifier(x)
    class Net(nn.Module):
        def __init__(self, cfg=(4, "M", 8), batch_norm=True):
            super().__init__()
            layers = []
            in_channels = 4
            for v in cfg:
                if v == "M":
                    layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
                else:
                    conv2d = nn.Conv2d(in_channels, v, kernel_size=3, padding=1)
                    if batch_norm:
                        layers += [conv2d, nn.BatchNorm2d(v), nn.ReLU(inplace=True)]
                    else:
                        layers += [conv2d, nn.ReLU(inplace=True)]
                    in_channels = v
            self.features = nn.Sequential(*layers)
            self.blocks = nn.ModuleList([nn.Conv2d(8, 8, 1) for _ in range(2)])
            self.head = nn.Linear(8 * 16, 3)
        def forward(self, x):
            x = self.features(x)
            for block in self.blocks:
                x = F.relu(block(x))
            return self.head(x.flatten(1))
"""
RESNET = """
    def conv3x3(in_planes, out_planes, stride=1):
        return nn.Conv2d(in_planes, out_planes, 3, stride=stride, padding=1, bias=False)
    class BasicBlock(nn.Module):
        expansion = 1
        def __init__(self, inplanes, planes, stride=1, downsample=None, norm_layer=None):
            super().__init__()
            if norm_layer is None:
                norm_layer = nn.BatchNorm2d
            self.conv1 = conv3x3(inplanes, planes, stride)
            self.bn1 = norm_layer(planes)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = conv3x3(planes, int(planes * (64 / 64.0)) * self.expansion)
            self.bn2 = norm_layer(planes)
            self.downsample = downsample
            self.stride = stride
        def forward(self, x):
            identity = x
            out = self.conv1(x)
            out = self.bn1(out)
            out = self.relu(out)
            out = self.conv2(out)
            out = self.bn2(out)
            if self.downsample is not None:
                identity = self.downsample(x)
            out += identity
            out = self.relu(out)
            return out
    class ResNet(nn.Module):
        def __init__(self, block, layers, num_classes=3):
            super().__init__()
            self._norm_layer = nn.BatchNorm2d
            self.inplanes = 4
            self.conv1 = nn.Conv2d(4, self.inplanes, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(self.inplanes)
            self.relu = nn.ReLU(inplace=True)
            self.layer1 = self._make_layer(block, 4, layers[0])
            self.layer2 = self._make_layer(block, 8, layers[1], stride=2)
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(8 * 1, num_classes)
        def _make_layer(self, block, planes, blocks, stride=1):
            downsample = None
            if stride != 1 or self.inplanes != planes * block.expansion:
                downsample = nn.Sequential(
                    nn.Conv2d(self.inplanes, planes, 1, stride, bias=False),
                    self._norm_layer(planes),
                )
            layers = []
            layers.append(block(self.inplanes, planes, stride, downsample))
            self.inplanes = planes
            for _ in range(1, blocks):
                layers.append(block(self.inplanes, planes))
            return nn.Sequential(*layers)
        def _forward_impl(self, x):
            x = self.relu(self.bn1(self.conv1(x)))
            x = self.layer2(self.layer1(x))
            x = torch.flatten(self.avgpool(x), 1)
            return self.fc(x)
        def forward(self, x):
            return self._forward_impl(x)
    def Net():
        return ResNet(BasicBlock, [2, 2])
"""
KINDS = {
    "vgg": (VGG, []),
    "resnet": (RESNET, [Residual] * 4),
    "fire": (FIRE, [Parallel, Parallel]),
    "inception": (INCEPTION, [Parallel]),
    "basic": (BASIC, [Residual]),
    "squeeze": (SQUEEZE, [Parallel]),
    "dense": (DENSE, [Parallel, Parallel, Parallel]),
    "shuffle": (SHUFFLE, [Parallel]),
    "nested": (NESTED, [Parallel]),
}
CLASSES = {"resnet": "ResNet"}
"""The class of the network, where it is not called ``Net``."""


@pytest.mark.parametrize("name", KINDS)
def test_branches_are_those_of_pytorch(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    text, kinds = KINDS[name]
    source = HEAD + dedent(text)
    (tmp_path / "net.py").write_text(source)
    found = import_network(tmp_path / "net.py", SIZE, CLASSES.get(name, "Net")).network
    blocks = [type(layer) for layer in found.layers if isinstance(layer, BLOCKS)]
    assert blocks == kinds, to_quick(found.layers)
    space: dict[str, type] = {}
    exec(source, space)
    torch.manual_seed(0)
    assert_same_scores(found, space["Net"]())
