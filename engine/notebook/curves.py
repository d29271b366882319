"""The curves of a run as SVG, for a notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from cnn_tui.engine.runs.compare import EpochCurve
from cnn_tui.engine.runs.summary import Summary

_WIDTH, _HEIGHT, _EDGE = 320, 160, 34
_TRAIN, _VAL = "#1f77b4", "#d95f02"


def curves_html(name: str, summary: Summary, history: EpochCurve) -> str:
    """The main figures of a run above its curves: training solid, validation dashed."""
    test = "" if summary.test_accuracy is None else f", test {summary.test_accuracy:.1%}"
    charts = (
        ("loss", history.train_loss, history.val_loss),
        ("accuracy", history.train_accuracy, history.val_accuracy),
    )
    return (
        f"<p><b>{escape(name)}</b>: {escape(summary.arch)} on {escape(summary.data)}, "
        f"{summary.state} after epoch {summary.epoch}{test}</p>"
        + "".join(_chart(title, history.epochs, *values) for title, *values in charts)
    )


def _chart(title: str, epochs: Sequence[int], train: Sequence[float], val: Sequence[float]) -> str:
    values = [value for value in (*train, *val) if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    last = max(epochs, default=1)
    span = (high - low) or 1.0

    def points(curve: Sequence[float]) -> str:
        return " ".join(
            f"{_EDGE + (epoch - 1) / max(1, last - 1) * (_WIDTH - 2 * _EDGE):.1f},"
            f"{_HEIGHT - _EDGE - (value - low) / span * (_HEIGHT - 2 * _EDGE):.1f}"
            for epoch, value in zip(epochs, curve, strict=True)
            if math.isfinite(value)
        )

    frame = f'fill="none" stroke="#999" x="{_EDGE}" y="{_EDGE}"'
    size = f'width="{_WIDTH - 2 * _EDGE}" height="{_HEIGHT - 2 * _EDGE}"'
    texts = (
        (2, _EDGE + 4, f"{high:.3g}"),
        (2, _HEIGHT - _EDGE + 4, f"{low:.3g}"),
        (_EDGE, _EDGE - 10, title),
        (_WIDTH - 2 * _EDGE, _HEIGHT - 16, f"epoch {last}"),
    )
    written = "".join(f'<text x="{x}" y="{y}">{words}</text>' for x, y, words in texts)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" font-size="10" font-family="sans-serif" '
        f'fill="currentColor"><rect {frame} {size}/>{written}'
        f'<polyline fill="none" stroke="{_TRAIN}" points="{points(train)}"/>'
        f'<polyline fill="none" stroke="{_VAL}" stroke-dasharray="4 2" points="{points(val)}"/>'
        "</svg>"
    )
