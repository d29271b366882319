"""Makes the helpers of these tests and of the engine's tests importable."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
sys.path += [str(_HERE), str(_HERE.parent / "engine")]
