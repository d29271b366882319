"""Every view of a network of blocks and newer layers, at every layer that it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cnn_tui.engine.data.built_in import load_digits
from cnn_tui.engine.runs.train_once import train_once
from cnn_tui.engine.runs.watcher import NOBODY
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.tui.inspect.canvas import Canvas, Wanted
from cnn_tui.tui.inspect.place import Place, layers_of
from cnn_tui.tui.inspect.source import Inspector, SavedSource
from cnn_tui.tui.inspect.table import VIEWS, View

pytestmark = pytest.mark.slow

LAYERS = (
    "conv 8 3x3 pad same | layernorm channels"
    " | parallel { conv 4 1x1 | relu } { conv 4 1x1 | prelu channels | conv 4 3x3 pad same } concat"
    " | relu | maxpool"
    " | repeat 2 { res { dwconv 3x3 pad same | groupnorm 2 | conv 16 1x1 | gelu | conv 8 1x1"
    " | layer_scale 0.1 } }"
    " | parallel { } { global_avgpool | conv 2 1x1 | relu | conv 8 1x1 | sigmoid } multiply"
    " | parallel { } { bn | relu | conv 4 3x3 pad same } concat"
    " | res { dwconv 3x3 pad same m 2 | bn } { conv 24 1x1 } | relu6 | channel_shuffle 2"
    " | global_avgpool | layernorm channels | fc 10"
)
ELSEWHERE = ("width", "shuffle", "shift", "compare", "slide")
"""Views that train other networks, and the one that refuses blocks; tests/engine tries them."""


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspector]:
    network = Network(
        name="blocks",
        input=(1, 8, 8),
        layers=parse_quick(LAYERS),
        data="digits",
        training=Recipe(epochs=1, optimizer="adam", lr=3e-3),
    )
    folder = train_once(tmp_path_factory.mktemp("runs"), network, load_digits())
    assert folder is not None
    inspector = Inspector(lambda: SavedSource(folder))
    yield inspector
    inspector.close()


@pytest.mark.parametrize(
    "view", [view for view in VIEWS if view.name not in ELSEWHERE], ids=lambda view: view.name
)
def test_every_layer_of_a_view(view: View, inspector: Inspector) -> None:
    first = inspector.look(view, "", Wanted(), NOBODY)
    assert first is not None
    for layer in layers_of(view, first.facts) or [""]:
        wanted = Wanted(layer=layer)
        found = inspector.look(view, "", wanted, NOBODY)
        assert found is not None and found.seen.said
        for width, height in ((66, 17), (102, 33)):
            drawn = found.seen.drawn(Canvas(width, height, layer=layer))
            assert drawn.lines and len(drawn.lines) <= height


def test_grad_cam_begins_on_the_main_way(inspector: Inspector) -> None:
    view = next(view for view in VIEWS if view.from_end)
    found = inspector.look(view, "", Wanted(), NOBODY)
    assert found is not None
    # The last convolution of all is that of a shortcut.
    assert Place().layer(view, found.facts) == "residual9.dwconv1"
    assert found.facts.convs[-1] == "residual9.shortcut.conv1"
