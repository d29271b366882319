"""A network as a table that a notebook shows."""

from __future__ import annotations

from html import escape

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network


def network_html(network: Network) -> str:
    """Every layer with its output and parameters, the totals, and what does not fit."""
    report = check(network)
    rows = [
        (
            f"{'&nbsp;' * 4 * (inner is not layer)}{escape(inner.name)}",
            escape(inner.settings),
            format_shape(inner.output) if inner.output else "?",
            f"{inner.params:,}",
        )
        for layer in report.layers
        for inner in layer.walk()
    ]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    issues = "".join(f"<li>{escape(issue.message)}</li>" for issue in report.issues)
    # A network made in code may have anything here, which is among its issues.
    size = format_shape(network.input) if isinstance(network.input, list | tuple) else "?"
    return (
        f"<p><b>{escape(str(network.name))}</b>: input {size}, "
        f"{report.total_params:,} parameters, {report.total_macs:,} multiply-adds</p>"
        "<table><tr><th>layer</th><th>settings</th><th>output</th><th>parameters</th></tr>"
        f"{body}</table>{f'<ul>{issues}</ul>' if issues else ''}"
    )
