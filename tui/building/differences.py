"""How the network being built differs from that of a run, in a few words."""

from __future__ import annotations

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import setting_words, value_words

_NAMES = ("name", "description")


def difference_words(run: Network, built: Network) -> str:
    """Return what Build has instead of the run's settings; empty if both train the same."""
    if run == built:
        return ""
    # This imports the history of runs, which the first screen does not wait for.
    from cnn_tui.engine.runs.compare import differences, layer_differences

    parts = [
        f"{setting_words(found.setting)} {_said(*map(value_words, found.values))}"
        for found in differences((run, built))
        if not found.setting.startswith(("layers[", *_NAMES))
    ]
    layers = list(layer_differences((run, built)))
    if len(layers) == 1:
        parts.insert(0, f"layer {layers[0].layer} {_said(*layers[0].values)}")
    elif layers:
        parts.insert(0, f"{len(layers)} other layers")
    return f"Build differs: {'; '.join(parts)}" if parts else ""


def _said(run: str, built: str) -> str:
    return f"{built or 'none'}, not {run or 'none'}"
