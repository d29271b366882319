"""Notes of the Build screen on a row without issues."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.flow import Note
from cnn_tui.engine.specs.layers import Residual, layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.places import explain, layer_at
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.building.merging import addition_words
from cnn_tui.tui.building.outline import Row
from cnn_tui.tui.words import BETWEEN

BESIDE = ("size", "parameters")
"""Topics shown beside the list; the others appear below it, where lines are long."""

_EMPTY = (
    "No layers yet: {list.insert} inserts one, {list.quick} types a line of them, {list.open} "
    "opens a preset. The last layer gives one score for each class."
)
_BEGIN = (
    "{list.open} opens another network, such as lenet5 or alexnet; {list.new} begins an empty one."
)
"""Keys named on the row where the app begins: the bar has no room for them."""

_SHORTCUTS = {
    "identity": "The input is added to the branch unchanged: both must have the same shape.",
    "projection": "A 1x1 convolution and a batch norm bring the input to the shape of the branch.",
    "zero-pad": "Every stride-th pixel, with zeros for the additional channels of the branch.",
}


def notes_for(network: Network, row: Row) -> tuple[Note, ...]:
    """Return the arithmetic of the selected row; this walks through the whole network."""
    return explain(network, row.block) if row.kind in ("layer", "branch") else ()


_RECIPE = {
    "seed": "Decides weights, order, dropout and augmentation: the same seed, the same bits.",
    "clip_norm": "Gradients with a larger norm are scaled down to it.",
    "warmup_epochs": "Epochs in which the learning rate rises to lr in a straight line.",
    "patience": "Ends after this many epochs without a better validation accuracy.",
    "keep_best": "Ends with the weights of the epoch that was best in validation.",
    "keep_every": "Keeps the state after every this many epochs, so that {inspect.time} and "
    "{inspect.time-back} of Inspect can go through the run; without it the last two and the best "
    "are kept.",
    "last_batch": "The images that are left at the end of an epoch: keep them as a shorter batch, "
    "merge them with the batch before if they are few, or drop them.",
    "balance": "For classes of uneven size: sampling draws images of each equally often, weights "
    "makes each count the same in the loss.",
    "normalize": "Subtracts the mean of the pixels and divides by their deviation, per channel.",
    "limit": "At most this many images of each split, drawn at random, always the same ones.",
    "per_class": "At most this many images of each class in each split.",
    "flip": "Mirrors half of the training images left to right, at random: {app.datasets} and then "
    "{data.augmented} show it.",
    "shift": "Moves each training image by up to this many whole pixels: a random crop.",
    "cutout": "The side in pixels of a square that is blanked in each training image.",
    "rotate": "Turns each training image by up to this many degrees, to either side.",
    "scale": "Enlarges or shrinks each training image by up to this share: 0.1 is 10%.",
    "translate": "Moves each training image by up to this share of its sides: 0.1 is 10%.",
    "jitter": "Changes brightness, contrast and saturation by up to this share: 0.2 is 20%.",
    "mixup": "Blends pairs of training images and their classes: 0.2 is usual, 0 is off.",
    "engine": "Who computes: cnn-tui itself with NumPy, or PyTorch, if it is installed.",
    "device": "Where PyTorch computes: auto takes a GPU if there is one.",
    "precision": "Of PyTorch's products: tf32 and bf16 are faster on GPUs that have them.",
    "compile": "PyTorch compiles the network before the first step, which takes a minute or so.",
    "deterministic": "PyTorch gives the same bits each time, on a GPU too; somewhat slower.",
    "sync_batchnorm": "Over several processes: batch norms see the whole batch, not their part.",
}
"""Settings of the recipe whose names do not say what they do."""


def advice_for(
    network: Network, row: Row, notes: Sequence[Note], field: str = "", *, cut: bool = False
) -> tuple[str, ...]:
    """Return a sentence about the row, then the notes on its layer: sharing, memory, costs.

    ``field`` is the one that is being edited, which may have a sentence of its own. With ``cut``
    there is no room beside the list for the arithmetic, which then takes the place of the sentence.
    """
    if row.kind == "training" and field in _RECIPE:
        return (keyed(_RECIPE[field]),)
    if row.kind == "input" and network.layers:
        return (_sentence(network, row), keyed(_BEGIN))
    joined = [(note.topic in BESIDE, BETWEEN.join(note.lines)) for note in notes]
    first = [words for beside, words in joined if beside and cut]
    below = (words for beside, words in joined if not beside)
    return (*(first or [_sentence(network, row)]), *below)


def _sentence(network: Network, row: Row) -> str:
    if not network.layers:
        return keyed(_EMPTY)
    match row.kind:
        case "input":
            return "Every image has this shape: channels x height x width."
        case "loss":
            return "The quantity that training minimises: the error of the last layer's scores."
        case "training":
            return "The training recipe: everything but network, loss and data."
        case "shortcut":
            block = layer_at(network, row.path)
            assert isinstance(block, Residual), "only a block has a shortcut"
            return _SHORTCUTS[str(block.shortcut)]
        case "branch":
            block = layer_at(network, row.path[:-1])
            return f"{layer_type(block)}: {block.info.help}."
    layer = layer_at(network, row.path)
    folded = keyed(" Its layers are folded: {list.unfold} shows them.") if row.folded else ""
    return f"{row.title}: {layer.info.help}.{folded}"


def explanation_for(
    network: Network, report: Report, row: Row, notes: Sequence[Note]
) -> tuple[str, ...]:
    """Return the arithmetic of the row that is shown beside the list."""
    if row.kind == "input":
        values = network.input[0] * network.input[1] * network.input[2]
        return ("channels x height x width", f"{format_shape(network.input)} = {values:,} values")
    is_sum = isinstance(layer_at(network, row.block), Residual) if row.path else False
    if row.kind == "shortcut" or (row.kind == "branch" and is_sum):
        return addition_words(network, report, row.block)
    return tuple(line for note in notes if note.topic in BESIDE for line in note.lines)
