"""Refuses batches of one image where a batch norm would see a single value per channel."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.batches import lone_image, lone_norms
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer_layers
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.settings import Settings


def first_lone_norm(network: Network) -> str:
    """The first batch norm with one value per channel and image, such as ``layer 5``; or empty."""
    steps = infer_layers(network.layers, FeatureMap(network.input))
    place = next(lone_norms(steps), ())
    return f"layer {place[0] + 1} ({layer_type(network.layers[place[0]])})" if place else ""


def refuse_lone_image(network: Network, images: int) -> None:
    """Refuse a recipe by which a batch of an epoch of ``images`` has one image.

    Raises:
        ShapeError: naming the layer that could not be trained on it, and the settings to change.
    """
    recipe, norm = network.training, first_lone_norm(network)
    if norm and lone_image(images, recipe):
        raise ShapeError(
            f"the last batch of an epoch would have one image ({images:,} images in batches of "
            f"{recipe.batch_size}), and {norm} a single value per channel, which becomes 0.",
            'Set last_batch = "merge" or "drop" in the recipe, or another batch_size.',
        )


def keep_batch_size(
    network: Network, old: Settings, new: Settings, images: int, done: int
) -> tuple[Settings, str]:
    """The ``new`` settings, or with the old batch size if the new one would leave one image.

    Args:
        network: the network in training.
        old: the settings so far.
        new: the settings that were asked for.
        images: the training images.
        done: those of the present epoch that are done.

    Returns:
        The settings, and why the batch size stays; empty if it does not have to.
    """
    recipe = new.in_recipe(network.training)
    if new.batch_size == old.batch_size or not lone_image(images, recipe, done):
        return new, ""
    norm = first_lone_norm(network)
    if not norm:
        return new, ""
    message = (
        f"The batch size stays {old.batch_size}: batches of {new.batch_size} would leave one "
        f"image, and {norm} a single value per channel."
    )
    return msgspec.structs.replace(new, batch_size=old.batch_size), message
