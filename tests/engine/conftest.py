"""Lets the tests of the engine import their helpers, and the converter the benchmarks also use."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
# Test folders are no packages, so that their helpers are found by name.
sys.path += [str(_HERE), str(_HERE.parents[1] / "benchmarks")]
