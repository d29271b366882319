"""Random networks of every layer through ONNX and back: the same weights, the same scores."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
