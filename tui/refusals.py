"""Messages for keys that can do nothing, because ``check_action`` disables their command."""

from __future__ import annotations

from cnn_tui.tui.actions import (
    APP,
    DATA,
    DEMO,
    INSPECT,
    LADDER,
    RUNS,
    TRAIN,
    WATCH,
    commands,
    keyed,
)
from cnn_tui.tui.command import Command
from cnn_tui.tui.lesson_actions import LEARN
from cnn_tui.tui.sweep_actions import SWEEP, SWEEPS

_NO_RUN = "There is no active run: {train.start} starts one."
_NO_VALUES = "There are no values to show yet: {train.start} starts a run."
_NO_RUNS = "There is no run under the cursor: {build.train} in Build starts one."
_NO_FOLD = "There is no sweep with runs to list or to fold here."
_ENDED = (
    "There is no training to steer: {watch.resume} resumes a run of cnn-tui, a log is only read."
)
_LOG = (
    "There is no network to look into: the folder of the run is gone, or another program trains "
    "it, of which only the figures are known."
)
_EVENTS = "This recording is a file of events: only the folder of a run has a network."
_CHARTS = {
    "log_scale": _NO_VALUES,
    "cursor": _NO_VALUES,
    "zoom": _NO_VALUES,
    "pan": _NO_VALUES,
    "whole": _NO_VALUES,
    "log": "Log and layers have nothing more in this direction.",
    "layers": "There is room for both here: the layers are beside the log.",
    "earlier": "There are no other runs in the charts: {train.another-run} adds one.",
    "next_chart": "There is no other chart: all that have figures are shown.",
}
_NO_IMAGES = "There are no images to choose from in this view."
_NOT_HERE = "There are no samples to show: the dataset is not here."
_NO_SWEEP = "There is no sweep in the list: {sweeps.start} starts one from a file."
_COVERED = "Close this screen first: esc leads back."


def _name(command: Command) -> str:
    return command.action.partition(".")[2].partition("(")[0]


REFUSALS = {
    TRAIN: {
        "train": "The run is active: {train.pause-resume} pauses it, {train.stop} stops it.",
        "pause": _NO_RUN,
        "step": "The run is about to stop.",
        "settings": f"{_NO_RUN} {{train.recipe}} changes the recipe of the next one.",
        "remedy": "There is nothing to remedy: no verdict offers it.",
        "stop": _NO_RUN,
        "detach": _NO_RUN,
        **_CHARTS,
        "take_over": "Build has this network and recipe already.",
        "compare": "This run does not reproduce another: {runs.reproduce} in Runs reproduces one.",
    },
    RUNS: {_name(command): _NO_RUNS for command in commands(RUNS)}
    | {"fold": _NO_FOLD, "unfold": _NO_FOLD},
    WATCH: {
        **_CHARTS,
        "pause": _ENDED,
        "learning_rate": _ENDED,
        "stop": _ENDED,
        "resume": "There is nothing to resume here: a process trains the run, its folder is gone, "
        "or it has no network of cnn-tui.",
        "build_on": _LOG,
        "inspect": _LOG,
    },
    DEMO: {
        **_CHARTS,
        "speed": "There is no such speed: it plays from 0.25 to 100 times as fast.",
        "build_on": _EVENTS,
        "inspect": _EVENTS,
    },
    INSPECT: {
        "layer": "There is no other layer to choose in this view.",
        "image": _NO_IMAGES,
        "choose_image": _NO_IMAGES,
        "class": "There is no class to choose in this view.",
        "travel": "There is no other state to look into.",
        "filter": "There is nothing to choose in this view.",
        "act": "There is nothing to open: left and right choose, where there is a choice.",
        "flagged": "There is no conv layer whose filters could be taken out.",
        "keep": "No filters are taken out: {inspect.flagged} takes out what health flags, "
        "{inspect.open-start} what is chosen.",
        "undo": "Nothing is taken out.",
        "page": "There is no other page.",
        "zoom": "There are no pictures to enlarge.",
        "save": "There is no picture to save yet.",
        "choose_data": "Only a saved run can be looked into with other data: {inspect.run} chooses "
        "one.",
    },
    SWEEPS: {_name(command): _NO_SWEEP for command in commands(SWEEPS)}
    | {
        "stop": "No sweep under the cursor runs now.",
        "resume": "There is nothing to resume: the sweep runs, or is complete.",
        "refine": "There is nothing to refine: no trial has finished.",
    },
    SWEEP: {
        "open": "There is no trial to open: - in {sweep.filter} removes the filter.",
        "inspect": "There is no trial to look into: - in {sweep.filter} removes the filter.",
        "prune": "Only a trial that waits or runs can be pruned, while the sweep runs.",
        "add": "Trials can be added while the sweep runs, or once it is complete.",
        "refine": "There is nothing to refine: no trial has finished.",
        "stop": "The sweep does not run now.",
        "resume": (
            "There is nothing to resume: the sweep runs, or is complete; {sweep.add} adds trials."
        ),
        "field": "This view is not about one field: {sweep.view} shows another.",
        "sort": "The trials are being read.",
    },
    LEARN: {"begin": "No lesson can be read.", "fast_track": "No lesson can be read."},
    DATA: {
        "fetch": "There is nothing to download for this dataset.",
        "give_folder": "A dataset is downloaded: {data.cancel} cancels that.",
        "cancel": "No download is active: {data.fetch} starts one.",
        "use": "The network in Build has this data already.",
        "more": _NOT_HERE,
        "view": _NOT_HERE,
    },
    LADDER: {
        "climb": "The baselines are being trained: {ladder.stop} stops them.",
        "stop": "No baseline is being trained: {ladder.start} starts them.",
        "fetch": "The data is here: there is nothing to download.",
    },
    APP: {
        "mode": "This is that screen already.",
        "preflight": _COVERED,
        "lr_finder": _COVERED,
        "datasets": _COVERED,
        "show": _COVERED,
    },
}


def refusal(action: str, *scopes: str) -> str:
    """Return why a command of some scopes is disabled; empty if the action is no command."""
    command = next((found for found in commands(*scopes) if found.action == action), None)
    if command is None:
        return ""
    name = _name(command)
    known = (REFUSALS[scope][name] for scope in scopes if name in REFUSALS.get(scope, {}))
    return keyed(next(known, f"There is nothing to do for this key now ({command.label})."))
