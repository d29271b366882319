"""The screens of the app: three modes and the windows that open over them.

Code outside this package names a screen as ``screens.HelpScreen``, and that imports its file. The
first paint needs the Build screen alone; the others bring dashboard, charts and history with them,
which takes as long again. ``tui.quick_app`` imports them all after the first paint.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnn_tui.tui.screens.baselines import BaselinesScreen as BaselinesScreen
    from cnn_tui.tui.screens.compare import CompareScreen as CompareScreen
    from cnn_tui.tui.screens.datasets import DataScreen as DataScreen
    from cnn_tui.tui.screens.dialog import Answer as Answer
    from cnn_tui.tui.screens.dialog import Picker as Picker
    from cnn_tui.tui.screens.dialog import Prompt as Prompt
    from cnn_tui.tui.screens.dialog import Question as Question
    from cnn_tui.tui.screens.forecast import ForecastDialog as ForecastDialog
    from cnn_tui.tui.screens.help import HelpScreen as HelpScreen
    from cnn_tui.tui.screens.lr_finder import LrFinderDialog as LrFinderDialog
    from cnn_tui.tui.screens.pattern import PatternDialog as PatternDialog
    from cnn_tui.tui.screens.preflight import PreflightDialog as PreflightDialog
    from cnn_tui.tui.screens.runs import RunsScreen as RunsScreen
    from cnn_tui.tui.screens.settings import SettingsDialog as SettingsDialog
    from cnn_tui.tui.screens.train import TrainScreen as TrainScreen
    from cnn_tui.tui.screens.transform import TransformDialog as TransformDialog

FILES = {
    "Answer": "dialog",
    "Picker": "dialog",
    "Prompt": "dialog",
    "Question": "dialog",
    "HelpScreen": "help",
    "PatternDialog": "pattern",
    "TransformDialog": "transform",
    "ForecastDialog": "forecast",
    "SettingsDialog": "settings",
    "TrainScreen": "train",
    "RunsScreen": "runs",
    "CompareScreen": "compare",
    "DataScreen": "datasets",
    "PreflightDialog": "preflight",
    "LrFinderDialog": "lr_finder",
    "BaselinesScreen": "baselines",
}
"""The file of each screen, and of what dialogs are made of."""

STYLES = [Path(__file__).with_name(name) for name in ("dialog.tcss", "train.tcss", "runs.tcss")]
"""What the screens besides Build name as their ``CSS_PATH``."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{FILES[name]}"), name)
