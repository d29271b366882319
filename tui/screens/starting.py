"""The questions before a run starts: missing data, initial weights, too little memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.app import App

from cnn_tui.engine.data.sources import SOURCES, missing
from cnn_tui.engine.errors import MemoryLimitError
from cnn_tui.tui import screens
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.words import clean


@dataclass(frozen=True)
class Start:
    """The initial weights; None draws random ones."""

    trained: Trained | None = None


def start_without_asking(builder: Builder, data_dir: Path | None) -> Start | None:
    """Return the start of a run that needs no question, else None."""
    asks = missing(builder.network.data, data_dir) or builder.weights
    return None if asks else Start()


async def ask_before_training(
    app: App[None], builder: Builder, data_dir: Path | None
) -> Start | None:
    """Ask the questions before a valid network is trained; returns None to start no run.

    Missing data can be downloaded; the person then starts the run again.
    """
    wanted = missing(builder.network.data, data_dir)
    if wanted:
        await _offer_download(app, wanted)
        return None
    trained = builder.weights
    if trained is None:
        return Start()
    answers = [
        screens.Answer("w", "start from these weights"),
        screens.Answer("f", "start from random weights"),
    ]
    question = f"This network has the weights of {clean(trained.words)}."
    answer = await app.push_screen_wait(screens.Question(question, answers))
    return Start(trained if answer == "w" else None) if answer else None


async def _offer_download(app: App[None], wanted: str) -> None:
    size = SOURCES[wanted].size / 1e6
    question = screens.Question(
        f"The dataset {wanted} is not downloaded yet: {size:,.0f} MB to download.",
        [screens.Answer("f", "download it now; x cancels, the partial file is kept")],
    )
    if await app.push_screen_wait(question) == "f":
        app.push_screen(screens.DataScreen(app.current_mode, wanted, fetch=True))


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
