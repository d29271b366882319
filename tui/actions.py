"""The table of commands, the source of key bindings, key bar, help and command palette."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cnn_tui.tui.build_actions import BUILD, BUILD_COMMANDS, LIST
from cnn_tui.tui.command import Command, key_word
from cnn_tui.tui.lesson_actions import LEARN, LEARN_COMMANDS, LESSON, LESSON_COMMANDS
from cnn_tui.tui.sweep_actions import SWEEP, SWEEP_COMMANDS, SWEEPS

TRAIN = "train"

RUNS = "runs"

WATCH = "watch"

DEMO = "demo"

COMPARE = "compare"

DATA = "data"

LADDER = "ladder"

WEIGHTS = "weights"

INSPECT = "inspect"

CHARTS = "charts"
"""The chart keys of the training screen, for screens with other keys."""

APP = "app"

TITLES = {
    LIST: "Build",
    BUILD: "Build",
    TRAIN: "Train",
    RUNS: "Runs",
    WATCH: "Run",
    DEMO: "Demo",
    COMPARE: "Comparison",
    DATA: "Datasets",
    LADDER: "Baselines",
    WEIGHTS: "Weights",
    INSPECT: "Inspect",
    SWEEPS: "Sweeps",
    SWEEP: "Sweep",
    LEARN: "Learn",
    LESSON: "This lesson",
    APP: "Everywhere",
}
"""Names of scopes in the help and the command palette, if not the scope itself."""


def title_of(scope: str) -> str:
    """Return the title of a place where keys work."""
    return TITLES.get(scope, scope.capitalize())


COMMANDS = (
    *BUILD_COMMANDS,
    Command(TRAIN, "f5,enter", "app.train", "start", "Start a run", "F5"),
    Command(TRAIN, "space", "screen.pause", "pause/resume", "Pause, resume", "space"),
    Command(TRAIN, "s", "screen.step('batch')", "step", "One batch, then pause"),
    Command(TRAIN, "e", "screen.step('epoch')", "epoch", "One epoch, then pause", in_bar=False),
    Command(TRAIN, "l", "screen.settings", "lr", "Change lr, L2, batch size", "l"),
    Command(TRAIN, "r", "screen.remedy", "remedy", "Apply the remedy"),
    Command(TRAIN, "x", "screen.stop", "stop", "Stop after this batch"),
    Command(TRAIN, "d", "screen.detach", "detach", "Continue without the app"),
    Command(TRAIN, "g", "screen.log_scale", "log scale", "Loss and lr on a log scale"),
    Command(TRAIN, "c", "screen.next_chart", "chart", "Next chart", in_bar=False),
    Command(TRAIN, "v", "screen.layers", "layers", "Layers instead of the log", in_bar=False),
    Command(
        TRAIN,
        "left",
        "screen.cursor(-1)",
        "cursor",
        "Move the value cursor",
        "left/rt",
        False,
        name="Move the value cursor left",
    ),
    Command(
        TRAIN,
        "right",
        "screen.cursor(1)",
        "cursor right",
        in_bar=False,
        name="Move the value cursor right",
    ),
    Command(
        TRAIN,
        "z",
        "screen.zoom(1)",
        "zoom",
        "Zoom at the cursor",
        "z/Z",
        False,
        name="Zoom in at the cursor",
    ),
    Command(TRAIN, "Z", "screen.zoom(-1)", "zoom out", in_bar=False, name="Zoom out"),
    Command(
        TRAIN,
        "less_than_sign,shift+left",
        "screen.pan(-1)",
        "pan left",
        "Pan",
        "</>",
        False,
        name="Pan left",
    ),
    Command(
        TRAIN,
        "greater_than_sign,shift+right",
        "screen.pan(1)",
        "pan right",
        in_bar=False,
        name="Pan right",
    ),
    Command(TRAIN, "home", "screen.whole", "whole", "Reset zoom and cursor", "home", False),
    Command(TRAIN, "pageup", "screen.log(-1)", "log", "Scroll log and layers", "pgup/dn", False),
    Command(TRAIN, "pagedown", "screen.log(1)", "log down", in_bar=False),
    Command(TRAIN, "ctrl+home", "screen.log(-99)", "log start", in_bar=False),
    Command(TRAIN, "ctrl+end,end", "screen.log(99)", "log end", in_bar=False),
    Command(TRAIN, "w", "screen.smooth", "smooth", "Change the smoothing", in_bar=False),
    Command(TRAIN, "b", "screen.earlier", "before", "Show or hide other runs", in_bar=False),
    Command(TRAIN, "B", "screen.overlay", "another run", "Add another run", in_bar=False),
    Command(TRAIN, "C", "screen.compare", "compare", "Compare with the original", in_bar=False),
    Command(TRAIN, "k", "screen.take_over", "to Build", "Take this run to Build", "k", False),
    Command(TRAIN, "t", "app.recipe", "recipe", "Change the next run's recipe"),
    Command(TRAIN, "p", "app.preflight", "pre-flight", in_bar=False, name="Pre-flight checks"),
    Command(TRAIN, "f", "app.lr_finder", "find lr", in_bar=False, name="Find a learning rate"),
    Command(RUNS, "enter", "screen.open", "open", "Open the run, live if it trains", "enter"),
    Command(RUNS, "m,space", "screen.mark", "mark", "Mark for a comparison"),
    Command(RUNS, "c", "screen.compare", "compare", "Compare the marked runs"),
    Command(RUNS, "slash", "screen.filter", "filter", "Filter runs", "/"),
    Command(RUNS, "s", "screen.sort", "sort", "Sort by the next column", in_bar=False),
    Command(
        RUNS,
        "left",
        "screen.fold",
        "fold",
        "Fold, list a sweep's runs",
        "left/rt",
        False,
        name="Fold the runs of the sweep",
    ),
    Command(
        RUNS, "right", "screen.unfold", "unfold", in_bar=False, name="List the runs of the sweep"
    ),
    Command(RUNS, "R", "screen.resume", "resume", "Resume here"),
    Command(RUNS, "f", "screen.go_back", "from", "Resume from a checkpoint", in_bar=False),
    Command(RUNS, "a", "screen.reproduce", "reproduce", "Reproduce, or change one setting"),
    Command(RUNS, "e", "screen.build_on", "build", "Edit its network and weights", in_bar=False),
    Command(RUNS, "t", "screen.tag", "tags", "Edit its tags", in_bar=False),
    Command(RUNS, "n", "screen.note", "note", "Edit its note", in_bar=False),
    Command(RUNS, "r", "screen.rename", "rename", "Rename it", in_bar=False),
    Command(RUNS, "w", "screen.weights", "weights", "First-layer weights", in_bar=False),
    Command(RUNS, "i", "screen.inspect", "inspect", "Look inside it"),
    Command(RUNS, "x,delete", "screen.delete", "delete", "Move it to the bin"),
    Command(RUNS, "B", "screen.bin", "bin", "Restore a run from the bin", in_bar=False),
    Command(RUNS, "D", "screen.clean", "clean up", "Free disk space (asks first)", in_bar=False),
    Command(WATCH, "escape,backspace", "screen.back", "back", "Back to the list", "esc"),
    Command(WATCH, "space", "screen.pause", "pause/resume", "Pause, resume its trainer", "space"),
    Command(WATCH, "l", "screen.learning_rate", "learning rate", "Change its learning rate"),
    Command(WATCH, "x", "screen.stop", "stop", "Stop it after this batch"),
    Command(WATCH, "R", "screen.resume", "resume", "Resume here"),
    Command(WATCH, "e", "screen.build_on", "build", "Edit its network and weights", in_bar=False),
    Command(WATCH, "i", "screen.inspect", "inspect", "Look inside it", in_bar=False),
    Command(DEMO, "space", "screen.pause", "pause/play demo", "Pause, play on", "space"),
    Command(DEMO, "plus,equals_sign", "screen.speed(1)", "faster", "Play faster", "+"),
    Command(DEMO, "minus", "screen.speed(-1)", "slower", "Play slower", "-"),
    Command(DEMO, "r", "screen.restart", "restart", "Play from the start"),
    Command(DEMO, "l", "screen.loop", "loop", "Begin again at the end", in_bar=False),
    Command(DEMO, "escape,backspace", "screen.back", "leave demo", "To the list of runs", "esc"),
    Command(DEMO, "i", "screen.inspect", "inspect", "Look inside it"),
    Command(DEMO, "e", "screen.build_on", "build", "Edit its network and weights", in_bar=False),
    Command(COMPARE, "escape,backspace", "screen.back", "back", "Back to the list", "esc"),
    Command(COMPARE, "l", "screen.other_curve", "loss/accuracy", "Switch loss and accuracy"),
    Command(
        COMPARE,
        "right",
        "screen.shift(1)",
        "other runs",
        "Other runs",
        "left/rt",
        name="Later runs of the table",
    ),
    Command(
        COMPARE,
        "left",
        "screen.shift(-1)",
        "runs before",
        in_bar=False,
        name="Earlier runs of the table",
    ),
    Command(DATA, "escape,backspace", "screen.back", "back", "Back", "esc"),
    Command(DATA, "enter", "screen.use", "use", "Use it for the network", "enter"),
    Command(DATA, "space", "screen.more", "other samples", "Other samples", "space"),
    Command(DATA, "c", "screen.view('classes')", "classes", "Classes and what is doubtful"),
    Command(DATA, "a", "screen.view('augmented')", "augmented", "Samples, changed by the recipe"),
    Command(
        DATA,
        "right",
        "screen.scroll(6)",
        "scroll",
        "Scroll the samples",
        "left/rt",
        False,
        name="Scroll down",
    ),
    Command(DATA, "left", "screen.scroll(-6)", "scroll back", in_bar=False, name="Scroll up"),
    Command(DATA, "f", "screen.fetch", "fetch", "Download the dataset"),
    Command(DATA, "o", "screen.give_folder", "folder", "Open your data, or its folder"),
    Command(DATA, "x", "screen.cancel", "cancel", "Cancel the download"),
    Command(LADDER, "escape,backspace", "screen.back", "back", "Back; baselines pause", "esc"),
    Command(LADDER, "enter,f5", "screen.climb", "start", "Train the missing baselines", "enter"),
    Command(LADDER, "x", "screen.stop", "stop", "Stop; the next start resumes"),
    Command(LADDER, "v", "screen.closer", "closer", "Enlarge the detail pane"),
    Command(
        LADDER,
        "right",
        "screen.scroll(6)",
        "scroll",
        "Scroll the weights",
        "left/rt",
        False,
        name="Scroll down",
    ),
    Command(LADDER, "left", "screen.scroll(-6)", "scroll back", in_bar=False, name="Scroll up"),
    Command(LADDER, "f", "screen.fetch", "fetch", "Download the data"),
    Command(LADDER, "o", "screen.give_folder", "folder", "Give the folder of the data"),
    Command(WEIGHTS, "escape,backspace", "screen.back", "back", "Back to the list", "esc"),
    Command(
        WEIGHTS,
        "down,space,right",
        "screen.scroll(6)",
        "scroll",
        "Scroll",
        "up/down",
        name="Scroll down",
    ),
    Command(WEIGHTS, "up,left", "screen.scroll(-6)", "scroll back", in_bar=False, name="Scroll up"),
    Command(
        INSPECT, "right_square_bracket", "screen.layer(1)", "layer", "Next, previous layer", "[ ]"
    ),
    Command(INSPECT, "left_square_bracket", "screen.layer(-1)", "layer before", in_bar=False),
    Command(INSPECT, "full_stop", "screen.image(1)", "image", "Next, previous image", ", ."),
    Command(INSPECT, "comma", "screen.image(-1)", "image before", in_bar=False),
    Command(
        INSPECT, "i", "screen.choose_image", "which image", "Image number or file", in_bar=False
    ),
    Command(INSPECT, "c", "screen.class(1)", "class", "Next, previous class", "c/C", False),
    Command(INSPECT, "C", "screen.class(-1)", "class before", in_bar=False),
    Command(INSPECT, "t", "screen.travel(1)", "time", "Next, previous state kept", "t/T"),
    Command(INSPECT, "T", "screen.travel(-1)", "time back", in_bar=False),
    Command(INSPECT, "right", "screen.filter(1)", "filter", "Choose a filter", "left/rt", False),
    Command(INSPECT, "left", "screen.filter(-1)", "filter before", in_bar=False),
    Command(INSPECT, "enter,a", "screen.act", "open/start", "Open what is chosen; start", "enter"),
    Command(INSPECT, "f", "screen.flagged", "flagged", "Ablate what health flags", in_bar=False),
    Command(INSPECT, "k", "screen.keep", "keep", "Keep the ablated network as a run"),
    Command(INSPECT, "u", "screen.undo", "undo", "Undo the ablation"),
    Command(INSPECT, "pagedown", "screen.page(1)", "page", "Next, previous page", "pgdn/up"),
    Command(INSPECT, "pageup", "screen.page(-1)", "page before", in_bar=False),
    Command(INSPECT, "z", "screen.zoom(1)", "zoom", "Larger, smaller pictures", "z/Z", False),
    Command(INSPECT, "Z", "screen.zoom(-1)", "smaller", in_bar=False),
    Command(INSPECT, "w", "screen.save", "save", "Save the picture as a file"),
    Command(INSPECT, "r", "screen.choose_run", "run", "Look into another run", in_bar=False),
    Command(INSPECT, "o", "screen.choose_data", "data", "Other data, or its folder", in_bar=False),
    Command(INSPECT, "escape,backspace", "screen.back", "back", "Cancel; back to the runs", "esc"),
    *SWEEP_COMMANDS,
    *LEARN_COMMANDS,
    *LESSON_COMMANDS,
    Command(WEIGHTS, "pagedown", "screen.scroll(18)", "page down", in_bar=False),
    Command(WEIGHTS, "pageup", "screen.scroll(-18)", "page up", in_bar=False),
    Command(WEIGHTS, "end", "screen.scroll(100000)", "last row", in_bar=False),
    Command(WEIGHTS, "home", "screen.scroll(-100000)", "first row", in_bar=False),
    Command(APP, "1", "app.mode('build')", "build", "Build the network", in_bar=False),
    Command(APP, "2", "app.mode('train')", "train", "Train, with charts", in_bar=False),
    Command(APP, "3", "app.mode('runs')", "runs", "List all runs", in_bar=False),
    Command(APP, "4", "app.mode('inspect')", "inspect", "Look inside a network", in_bar=False),
    Command(APP, "5", "app.mode('sweeps')", "sweeps", "Many runs of one file", in_bar=False),
    Command(APP, "6", "app.mode('learn')", "learn", "Learn from lessons", in_bar=False),
    Command(APP, "f3", "app.preflight", "pre-flight", "Pre-flight checks", "F3", False),
    Command(APP, "f4", "app.lr_finder", "find lr", "Find a learning rate", "F4", False),
    Command(APP, "f6", "app.datasets", "datasets", "View, download datasets", "F6", False),
    Command(APP, "f7", "app.baselines", "baselines", "Compare baselines", "F7", False),
    Command(APP, "f8", "app.demo", "demo", "Play a recorded run", "F8", False),
    Command(APP, "f9", "app.themes", "theme", "Choose the theme", "F9", False),
    Command(APP, "escape", "screen.back", "back", "One step back", "esc", False),
    Command(APP, "question_mark,f1", "app.help", "help", "This help", "?"),
    Command(APP, "q,ctrl+q", "app.leave", "quit", "Quit (asks first if work would be lost)"),
    Command(APP, "ctrl+p", "app.command_palette", "commands", "All commands by name"),
    Command(APP, "ctrl+c", "app.say_how_to_quit", "how to quit", in_bar=False),
)


_table: list[Command] = list(COMMANDS)


def use(table: Sequence[Command]) -> None:
    """Replace the table by one with keys of the user's own; before a screen is imported."""
    _table[:] = table


def commands(*scopes: str) -> Iterator[Command]:
    """Yield the commands of some scopes in their order."""
    return (command for scope in scopes for command in _table if _belongs(command, scope))


def keyed(text: str) -> str:
    """Write the keys of commands for their ids: ``"{list.new} empties it"``."""
    keys = {command.id: key_word(command) for command in _table}
    return re.sub(r"\{(.+?)\}", lambda found: keys[found[1]], text)


_CHART_ACTIONS = {
    f"screen.{name}"
    for name in (
        *("log_scale", "next_chart", "layers", "log", "cursor", "zoom", "pan", "whole", "smooth"),
        *("earlier", "overlay"),
    )
}
"""The commands of Train that any screen with the charts of a run has."""


def _belongs(command: Command, scope: str) -> bool:
    if scope == CHARTS:
        name = command.action.partition("(")[0]
        return command.scope == TRAIN and name in _CHART_ACTIONS
    return command.scope == scope


def scopes_of(screen: object) -> tuple[str, ...]:
    """Return the scopes of the keys of a screen, the app's own last."""
    lesson = (LESSON,) if getattr(screen, "lesson", None) else ()
    return (*getattr(screen, "SCOPES", ()), *lesson, APP)
