"""Makes the helpers of these tests and of the engine's tests importable."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from settling import settling

_HERE = Path(__file__).parent
sys.path += [str(_HERE), str(_HERE.parent / "engine")]


@pytest.fixture(autouse=True, scope="session")
def keys_are_waited_for_by_their_effect() -> Iterator[None]:
    with settling():
        yield
