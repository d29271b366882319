"""How much a description may hold; all far above any real network, and far below any harm."""

from __future__ import annotations

MAX_NESTING = 8
"""Residual blocks inside residual blocks."""

MAX_LAYERS = 2_000
"""Layers of a file, those inside residual blocks included."""

MAX_FILE_BYTES = 256 * 1024
"""Room for 2,000 layers with every setting; the most that parses well within a second."""

MAX_COUNT = 2**40
"""Parameters, and values for one image, of a whole network."""

MAX_MACS = 2**60
"""Multiply-adds for one image; sums stay within what JSON readers take as integers."""
