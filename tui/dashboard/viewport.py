"""How the charts of a run are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from cnn_tui.tui.dashboard.series import USUAL_SMOOTHING

MOST_ZOOM = 8


@dataclass(frozen=True)
class Viewport:
    """Scale, smoothing and window of the charts."""

    log: bool | None = None
    """None is logarithmic where a run diverged, else linear."""
    smoothing: int = USUAL_SMOOTHING
    zoom: int = 0
    cursor: float | None = None
    """The position of the cursor in epochs; the headings show the values there."""
    at: float | None = None
    """The centre of a zoomed chart in epochs, in place of the cursor."""
    earlier: bool = True
    """Whether other runs are drawn as well."""
    band: bool = True
    """Whether the range of the batches is drawn behind their mean."""
    further: str = ""
    """A figure of another program that is drawn in place of the accuracy."""

    @property
    def banded(self) -> bool:
        return self.band and self.smoothing > 0


WHOLE = Viewport()
