"""What happens in a sweep, as lines of text or of JSON."""

from __future__ import annotations

from collections.abc import Mapping

from cnn_tui.engine.sweeps.lines import (
    PointRefused,
    SweepBegun,
    SweepLine,
    TrialAsked,
    TrialEnded,
    TrialsAdded,
    TrialStarted,
    Value,
)
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.words import clock, count, figure, percent


class SweepReporter:
    """Prints the lines of a sweep as they come."""

    def __init__(self, name: str, *, as_json: bool) -> None:
        self._name, self._as_json = name, as_json
        self._values: dict[int, Mapping[str, Value]] = {}
        self._ended, self._total = 0, 0
        self._is_loss = False

    def tell(self, line: SweepLine) -> None:
        """Print a line, if it is one that people need."""
        if self._as_json:
            print_json(line)
        elif words := self._words(line):
            print_line(words)

    def _words(self, line: SweepLine) -> str:
        match line:
            case SweepBegun():
                self._total, self._is_loss = line.total, line.objectives[0] == "loss"
                fields = ", ".join(line.fields)
                return f"{self._name}: {count(line.total, 'trial')} over {fields}"
            case TrialsAdded():
                self._total = line.total
                return f"{count(line.total, 'trial')} now"
            case TrialAsked():
                self._values[line.number] = line.values
            case PointRefused():
                return f"  point {line.number} is not trained: {line.reason}"
            case TrialStarted() if line.attempt > 1:
                return f"  trial {line.number} continues at {line.worker}, start {line.attempt}"
            case TrialEnded():
                self._ended += 1
                return self._end(line)
        return ""

    def _end(self, line: TrialEnded) -> str:
        best = "" if line.value is None else objective_words(line.value, is_loss=self._is_loss)
        spread = "" if line.spread is None else f" +- {figure(line.spread, 3)}"
        values = values_words(self._values.pop(line.number, {}))
        reason = f"  {line.reason}" if line.reason else ""
        return (
            f"trial {line.number:>3}  {line.state:8}  {best}{spread}  {values}  "
            f"{clock(line.seconds)}{reason}"
        )


def objective_words(value: float, *, is_loss: bool) -> str:
    """An accuracy in per cent, or a loss."""
    return figure(value) if is_loss else percent(value, 2)


def values_words(values: Mapping[str, Value]) -> str:
    """The values of a point: ``lr 0.0443, conv1.out_channels 8``."""
    return ", ".join(f"{name} {value_word(value)}" for name, value in values.items())


def value_word(value: Value) -> str:
    """A value in a few characters."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3g}"
    return str(value)
