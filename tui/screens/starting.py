"""The questions before a run starts: missing data, initial weights, too little memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textual.app import App

from cnn_tui.engine.data.forms import CLASS_FOLDERS, FILE_SUFFIXES, FORMS
from cnn_tui.engine.data.sources import FOLDER, IMAGENET, SOURCES
from cnn_tui.engine.errors import DamagedPicturesError, MemoryLimitError, MismatchError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.fitting import fit_to_data
from cnn_tui.engine.specs.known_data import DataFacts
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import listed
from cnn_tui.tui import screens
from cnn_tui.tui.actions import keyed
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
    if not await have_data(app, builder, places):
        return None
    trained = builder.start
    if trained is None:
        return Start()
    answers = [
        screens.Answer("w", "go on from these weights: what was learnt stays"),
        screens.Answer("f", "start afresh, from random weights"),
    ]
    question = f"Begin with the weights of {clean(trained.words)}?"
    answer = await app.push_screen_wait(screens.Question(question, answers))
    return Start(trained if answer == "w" else None) if answer else None


async def have_data(app: App[None], builder: Builder, places: Places) -> bool:
    """Whether the network's data are here; asks for their folder, or whether to download them."""
    wanted = places.lacks(builder.network.data)
    if wanted is None:
        return True
    if wanted == IMAGENET:
        return await _have_instead(app, builder, places)
    if wanted == FOLDER:
        return await ask_for_data(app, wanted, places, builder.network)
    size = SOURCES[wanted].size / 1e6
    question = partial(
        screens.Question,
        f"Get {wanted}",
        [
            screens.Answer("f", "download it now; x cancels, the partial file is kept"),
            screens.Answer("o", "give the folder of a copy"),
        ],
        f"The dataset {wanted} is not here yet: {size:,.0f} MB to download.",
    )
    while (answer := await app.push_screen_wait(question())) == "o":
        if await ask_for_data(app, wanted, places, builder.network):
            return True
    if answer == "f":
        _download(app, wanted, places)
    return False


def _download(app: App[None], name: str, places: Places) -> None:
    app.push_screen(screens.DataScreen(app.current_mode, places, name, fetch=True))


_UNDO = "Press {list.undo} in Build to undo."
_INSTEAD = {"s": "shapes", "i": "imagenette"}
"""What a network for ImageNet can be trained on at its own size, by the key of the answer."""


async def _have_instead(app: App[None], builder: Builder, places: Places) -> bool:
    """Offer data for a network that wants ImageNet; an edit of the network, which ``u`` undoes."""
    shape = format_shape(builder.network.input)
    fetch = places.lacks("imagenette")
    cost = f"{SOURCES['imagenette'].size / 1e6:,.0f} MB to download" if fetch else "here"
    question = partial(
        screens.Question,
        "Data in place of ImageNet",
        [
            screens.Answer("s", f"shapes drawn at {shape}, 10 classes: no download"),
            screens.Answer("i", f"Imagenette, 10 classes of ImageNet: {cost}"),
            screens.Answer("o", "your own copy, or some of its classes: give the folder"),
        ],
        "This network is meant for ImageNet, which has no download. Use instead:",
    )
    while (answer := await app.push_screen_wait(question())) == "o":
        if await ask_for_data(app, IMAGENET, places, builder.network):
            return True
    if answer not in _INSTEAD:
        return False
    builder.use_data(_INSTEAD[answer])
    recipe = builder.network.training
    app.notify(
        f"Data {_INSTEAD[answer]}, 10 scores, {recipe.epochs} epochs, batches of "
        f"{recipe.batch_size}, learning rate {recipe.lr:g}. {keyed(_UNDO)}",
        markup=False,
    )
    lacking = places.lacks(builder.network.data)
    if lacking:
        _download(app, lacking, places)
    return not lacking


_TITLES = {
    FOLDER: f"Your data: {FORMS}",
    IMAGENET: f"Your copy of ImageNet: {CLASS_FOLDERS}",
}


async def ask_for_data(
    app: App[None], name: str, places: Places, network: Network | None = None
) -> bool:
    """Ask where a dataset is; the answer holds for the whole app. Returns whether one was given."""

    def check(path: Path) -> str:
        # Imported on the thread: reading data needs NumPy.
        from cnn_tui.engine.data.understanding import understood

        return understood(name, path, network)

    title = _TITLES.get(name, f"The folder with the files of {name}")
    prompt = screens.PathPrompt(title, check, DATA.paths(), FILE_SUFFIXES if name == FOLDER else ())
    answer = await app.push_screen_wait(prompt)
    if answer:
        places.given[name] = Path(answer)
        DATA.add(Path(answer))
        app.notify(f"{clean(answer)}: {prompt.found}", markup=False)
    return bool(answer)


async def ask_to_fit(app: App[None], builder: Builder, refusal: MismatchError) -> str:
    """Offer to fit the network to data that were read; returns ``fit`` after that, or empty."""
    facts = DataFacts("", refusal.shape, refusal.classes)
    fitted = fit_to_data(builder.network, facts)
    if fitted == builder.network or not check(fitted, data=facts).valid:
        return ""
    changes = [f"input {format_shape(fitted.input)}"] * (fitted.input != builder.network.input)
    changes += [f"{facts.classes} scores"] * (fitted.layers != builder.network.layers)
    answers = [screens.Answer("f", f"change the network to {listed(changes, 'and')}, and train")]
    about = clean(str(refusal))
    question = screens.Question("Network and data do not fit", answers, about)
    answer = await app.push_screen_wait(question)
    if answer:
        builder.fit(facts)
    return "fit" if answer else ""


async def ask_about_memory(app: App[None], builder: Builder, refusal: MemoryLimitError) -> str:
    """Ask what to do about a run that needs more memory than is free.

    The person decides, as free memory may change or be reported wrongly. Returns ``smaller`` after
    setting the batch size that fits, ``anyway`` to ignore the limit, or empty.
    """
    batch = refusal.batch
    answers = [screens.Answer("b", f"train in batches of {batch}")] if batch else []
    answers.append(screens.Answer("y", "try anyway"))
    question = screens.Question("Too little memory", answers, clean(str(refusal)))
    answer = await app.push_screen_wait(question)
    if answer == "b":
        builder.set_recipe("batch_size", batch)
    return {"b": "smaller", "y": "anyway"}.get(answer, "")


async def ask_about_damaged(app: App[None], places: Places, refusal: DamagedPicturesError) -> str:
    """Ask whether to train without the damaged pictures, which holds for the whole app.

    Returns ``without`` or empty.
    """
    question = screens.Question(
        "Some pictures are damaged",
        [screens.Answer("w", "train without them")],
        clean(refusal.message),
    )
    places.skip_damaged = await app.push_screen_wait(question) == "w"
    return "without" if places.skip_damaged else ""
