"""The questions before a run starts: missing data, initial weights, too little memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.app import App

from cnn_tui.engine.data.sources import FOLDER, SOURCES
from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.engine.specs.network import Network
from cnn_tui.tui import screens
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.recent import DATA
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.training import Places
from cnn_tui.tui.words import clean


@dataclass(frozen=True)
class Start:
    """The initial weights; None draws random ones."""

    trained: Trained | None = None


def start_without_asking(builder: Builder, places: Places) -> Start | None:
    """Return the start of a run that needs no question, else None."""
    asks = places.lacks(builder.network.data) or builder.start
    return None if asks else Start()


async def ask_before_training(app: App[None], builder: Builder, places: Places) -> Start | None:
    """Ask the questions before a valid network is trained; returns None to start no run.

    Missing data can be downloaded; the person then starts the run again.
    """
    if not await have_data(app, builder.network, places):
        return None
    trained = builder.start
    if trained is None:
        return Start()
    answers = [
        screens.Answer("w", "start from these weights"),
        screens.Answer("f", "start from random weights"),
    ]
    question = f"Begin with the weights of {clean(trained.words)}?"
    answer = await app.push_screen_wait(screens.Question(question, answers))
    return Start(trained if answer == "w" else None) if answer else None


async def have_data(app: App[None], network: Network, places: Places) -> bool:
    """Whether the network's data are here; asks for their folder, or whether to download them."""
    wanted = places.lacks(network.data)
    if wanted is None:
        return True
    if wanted == FOLDER:
        return await ask_for_data(app, wanted, places)
    size = SOURCES[wanted].size / 1e6
    question = screens.Question(
        f"The dataset {wanted} is not here yet: {size:,.0f} MB to download.",
        [
            screens.Answer("f", "download it now; x cancels, the partial file is kept"),
            screens.Answer("o", "give the folder of a copy"),
        ],
    )
    answer = await app.push_screen_wait(question)
    if answer == "f":
        app.push_screen(screens.DataScreen(app.current_mode, places, wanted, fetch=True))
    return answer == "o" and await ask_for_data(app, wanted, places)


async def ask_for_data(app: App[None], name: str, places: Places) -> bool:
    """Ask where a dataset is; the answer holds for the whole app. Returns whether one was given."""

    def check(path: Path) -> str:
        # Imported on the thread: reading data needs NumPy.
        from cnn_tui.engine.data.understanding import understood

        return understood(name, path)

    own = name == FOLDER
    what = "Your pictures: a folder with a folder for each class, or a .npz file"
    title = what if own else f"The folder with the files of {name}"
    prompt = screens.PathPrompt(title, check, DATA.paths(), (".npz",) if own else ())
    answer = await app.push_screen_wait(prompt)
    if answer:
        places.given[name] = Path(answer)
        DATA.add(Path(answer))
        app.notify(f"{clean(answer)}: {prompt.found}", markup=False)
    return bool(answer)


async def ask_about_memory(app: App[None], builder: Builder, refusal: MemoryLimitError) -> str:
    """Ask what to do about a run that needs more memory than is free.

    The person decides, as free memory may change or be reported wrongly. Returns ``smaller`` after
    setting the batch size that fits, ``anyway`` to ignore the limit, or empty.
    """
    batch = refusal.batch
    answers = [screens.Answer("b", f"train in batches of {batch}")] if batch else []
    answers.append(screens.Answer("y", "try anyway"))
    answer = await app.push_screen_wait(screens.Question(clean(str(refusal)), answers))
    if answer == "b":
        builder.set_recipe("batch_size", batch)
    return {"b": "smaller", "y": "anyway"}.get(answer, "")
