"""The screens of the app: six modes and the windows over them.

Other packages write ``screens.HelpScreen``, which imports the file of that screen. The first paint
needs the Build screen alone; the others need dashboard, charts and history, which takes as long
again. ``tui.quick_app`` imports them all after the first paint.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnn_tui.tui.screens.baselines import BaselinesScreen as BaselinesScreen
    from cnn_tui.tui.screens.compare import CompareScreen as CompareScreen
    from cnn_tui.tui.screens.datasets import DataScreen as DataScreen
    from cnn_tui.tui.screens.demo import DemoScreen as DemoScreen
    from cnn_tui.tui.screens.dialog import Answer as Answer
    from cnn_tui.tui.screens.dialog import Picker as Picker
    from cnn_tui.tui.screens.dialog import Prompt as Prompt
    from cnn_tui.tui.screens.dialog import Question as Question
    from cnn_tui.tui.screens.forecast import ForecastDialog as ForecastDialog
    from cnn_tui.tui.screens.help import HelpScreen as HelpScreen
    from cnn_tui.tui.screens.inspect import InspectScreen as InspectScreen
    from cnn_tui.tui.screens.learn import LearnScreen as LearnScreen
    from cnn_tui.tui.screens.lesson import LessonDialog as LessonDialog
    from cnn_tui.tui.screens.lesson import SolvedDialog as SolvedDialog
    from cnn_tui.tui.screens.lr_finder import LrFinderDialog as LrFinderDialog
    from cnn_tui.tui.screens.palette import CommandPalette as CommandPalette
    from cnn_tui.tui.screens.path_prompt import PathPrompt as PathPrompt
    from cnn_tui.tui.screens.pattern import PatternDialog as PatternDialog
    from cnn_tui.tui.screens.preflight import PreflightDialog as PreflightDialog
    from cnn_tui.tui.screens.runs import RunsScreen as RunsScreen
    from cnn_tui.tui.screens.settings import SettingsDialog as SettingsDialog
    from cnn_tui.tui.screens.sweeps import SweepsScreen as SweepsScreen
    from cnn_tui.tui.screens.themes import ThemePicker as ThemePicker
    from cnn_tui.tui.screens.train import TrainScreen as TrainScreen
    from cnn_tui.tui.screens.transform import TransformDialog as TransformDialog

FILES = {
    "Answer": "dialog",
    "Picker": "dialog",
    "Prompt": "dialog",
    "Question": "dialog",
    "HelpScreen": "help",
    "PathPrompt": "path_prompt",
    "PatternDialog": "pattern",
    "TransformDialog": "transform",
    "ForecastDialog": "forecast",
    "SettingsDialog": "settings",
    "TrainScreen": "train",
    "RunsScreen": "runs",
    "CompareScreen": "compare",
    "DemoScreen": "demo",
    "DataScreen": "datasets",
    "PreflightDialog": "preflight",
    "LrFinderDialog": "lr_finder",
    "BaselinesScreen": "baselines",
    "ThemePicker": "themes",
    "CommandPalette": "palette",
    "InspectScreen": "inspect",
    "SweepsScreen": "sweeps",
    "LearnScreen": "learn",
    "LessonDialog": "lesson",
    "SolvedDialog": "lesson",
}
"""The file of each screen and dialog."""

STYLES = [
    Path(__file__).with_name(f"{name}.tcss")
    for name in ("dialog", "train", "runs", "inspect", "sweeps", "learn")
]
"""The values of ``CSS_PATH`` of all screens but Build."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{FILES[name]}"), name)
