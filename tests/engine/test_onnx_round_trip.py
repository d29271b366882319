"""Random networks of every layer through ONNX and back: the same weights, the same scores."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from exported import state_of
from networks import LAYERS_OF_ANY_SIZE, series_parallel
from samples import network

from cnn_tui.engine.build import build
from cnn_tui.engine.export.onnx_graph import onnx_bytes
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.residual import canonical
from cnn_tui.engine.transforms.carry import load_weights

pytestmark = pytest.mark.slow
onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
