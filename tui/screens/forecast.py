"""The forecast of training time and memory, measured in a few steps on random data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from threading import Event
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui.rows import Line, block_bar
from cnn_tui.tui.screens.dialog import Dialog, TitledWindow
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.scrolled import ScrolledLines
from cnn_tui.tui.words import clean, clock, compact, count, short_name

if TYPE_CHECKING:
    from cnn_tui.engine.profile import LayerTime, Profile

_BAR = 20


class Outlook(ScrolledLines):
    """The forecast, or why there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._rows_of: Sequence[Line] = ()
        self._trouble = ""

    def show(self, rows: Sequence[Line], trouble: str = "") -> None:
        """Show rows, or an error."""
        self._rows_of, self._trouble = rows, trouble
        self.redraw()

    def all_lines(self, width: int) -> Sequence[Line]:
        trouble = wrap(self._trouble, max(1, width))
        return [*(((line, "error"),) for line in trouble), *self._rows_of]


class ForecastDialog(Dialog[None]):
    """Measures as soon as it opens; closing it cancels the measurement."""

    BINDINGS = [Binding("enter,q,F", "finish", "close", show=False)]

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self._cancelled = Event()

    def compose(self) -> ComposeResult:
        with TitledWindow("Forecast", classes="forecast"):
            yield Outlook()
            yield Static("esc closes and cancels the measurement", classes="hint")

    def on_mount(self) -> None:
        measuring = "measuring a few training steps on random images ..."
        self.query_one(Outlook).show([((measuring, "dim"),)])
        run_in_thread(self, self._measure, self._show, self._fail)

    def on_unmount(self) -> None:
        self._cancelled.set()

    def _measure(self) -> tuple[Line, ...]:
        # NumPy takes longer to import than the first screen may take.
        from cnn_tui.engine.profile import probe

        forecast = probe(self._network, cancelled=self._cancelled.is_set)
        return () if forecast is None else tuple(forecast_lines(self._network, forecast))

    def _show(self, rows: Sequence[Line], trouble: str = "") -> None:
        """Show what came of it; there is nothing left to cancel."""
        self.query_one(Outlook).show(rows, trouble)
        self.query_one(".hint", Static).update("up/down scroll, esc closes")

    def _fail(self, error: CnnTuiError) -> None:
        self._show((), clean(str(error)))


def forecast_lines(network: Network, forecast: Profile) -> Iterator[Line]:
    """Yield time, memory, and the layers by time."""
    step = forecast.step_seconds
    threads = count(forecast.threads, "thread")
    yield _line("step", f"{_short(step)} for {forecast.batch_size} images, on {threads}")
    images = images_of(network)
    epoch = forecast.epoch_seconds(images or 1000)
    of = f"{images:,} images of {clean(network.data)}" if images else "each 1,000 images"
    yield _line("epoch", f"about {_short(epoch)} for {of}")
    if images:
        whole = epoch * network.training.epochs
        yield _line("run", f"about {clock(whole)} for {network.training.epochs} epochs")
    memory = forecast.memory
    yield _line("memory", f"{_bytes(memory.peak)} at its peak, without the data")
    learned = memory.parameters + memory.gradients + memory.optimizer
    yield _line(
        "", f"activations {_bytes(memory.activations)}, weights and optimizer {_bytes(learned)}"
    )
    yield (("", ""),)
    yield from _layer_lines(forecast.layers)


def _layer_lines(layers: Sequence[LayerTime]) -> Iterator[Line]:
    total = sum(layer.total for layer in layers) or 1.0
    yield ((f"{'layer':18}{'forward':>10}{'backward':>10} ms{'share':>8}", "dim"),)
    for layer in sorted(layers, key=lambda layer: -layer.total):
        share = layer.total / total
        name = short_name(clean(layer.name), 17) or "loss, optimizer"
        inside = clean(layer.computed_in).rpartition(".")[2]
        forward = f"in {short_name(inside, 6)}" if inside else _in_ms(layer.forward)
        yield (
            (f"{name:18}", ""),
            (f"{forward:>10}{_in_ms(layer.backward)} ms{share:>8.1%}  ", ""),
            (block_bar(share, _BAR).rstrip(), "accent"),
        )


def _line(label: str, words: str) -> Line:
    return ((f"{label:10}", "dim"), (words, ""))


def images_of(network: Network) -> int | None:
    """Return the number of training images, if it is known without loading the data."""
    from cnn_tui.engine.data.built_in import shapes_count
    from cnn_tui.engine.data.catalog import entries, find_name
    from cnn_tui.engine.data.sources import SOURCES

    name = find_name(network.data)
    if name == "shapes":
        return shapes_count(network.input)
    if name in SOURCES:
        return SOURCES[name].train
    return next((entry.images for entry in entries() if entry.name == name), None)


def _in_ms(seconds: float) -> str:
    """Return milliseconds; their decimal points stand below one another."""
    words = "<0.01" if 0 < seconds < 5e-6 else f"{seconds * 1000:,.2f}"
    return f"{words:>10}"


def _short(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 100 else clock(seconds)


def _bytes(count: int) -> str:
    return f"{compact(count)}B"
