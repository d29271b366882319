"""A network opened to look inside: the output of every layer, and its gradient for a class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cnn_tui.engine.batch_checks import too_many_to_open
from cnn_tui.engine.layers.base import Stage, Task, merge
from cnn_tui.engine.layers.building import Operations
from cnn_tui.engine.layers.kept import KeepingArena, PlannedKept
from cnn_tui.engine.opened_base import OpenedBase
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.plan import MakeLoss, Plan
from cnn_tui.engine.protocol import Classes
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.threads import WorkerPool


class Opened(OpenedBase):
    """An :class:`~cnn_tui.engine.protocol.OpenedPass` by NumPy.

    Made by :meth:`cnn_tui.engine.Model.opened`; closing it ends its threads. Not safe to use
    from two threads at once.

    Raises:
        MemoryLimitError: if it would hold more than ``limit`` bytes; ``batch`` is the number of
            images that fit.
    """

    def __init__(
        self,
        parts: Operations,
        make_loss: MakeLoss,
        images: Array,
        *,
        training: bool,
        threads: int,
        limit: int,
    ) -> None:
        self._parts = parts
        self._plan = _planned(parts, len(images), limit)
        classes = len(self._plan.scores[0])
        super().__init__(parts.input_shape, classes, len(images), training=training)
        self._losses = self._plan.bind_losses(make_loss)
        parts.mode.training, parts.mode.dropout = training, 0.0
        self._workers = WorkerPool(threads)
        self._kept = {
            op.name: link for op, link in self._plan.chain.walk() if isinstance(link, PlannedKept)
        }
        self.see(images)

    def see(self, images: Array) -> None:
        """Show other images, at most as many as at first."""
        self._admit(images)
        blank = np.zeros((self._room - len(images), *images.shape[1:]), images.dtype)
        self._plan.images = np.concatenate([images, blank]) if len(blank) else images
        self._run(self._plan.forward)
        self._of_class: tuple[int, ...] = ()

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each layer's output for one image."""
        return self._parts.shapes

    @property
    def bytes(self) -> int:
        """Bytes that it holds: weights, outputs, gradients and scratch arrays."""
        return _bytes(self._parts, self._plan)

    @property
    def logits(self) -> Array:
        """The scores ``(N, classes)``."""
        return self._plan.logits[: len(self.images)].copy()

    def output(self, layer: str) -> Array:
        """The output of a layer."""
        return self._joined(self._find(layer).ys, self.shapes[layer])

    def gradient(self, layer: str, of_class: Classes) -> Array:
        """The gradient of the score of a class by the output of a layer."""
        kept = self._find(layer)
        self._differentiate(of_class)
        return self._joined(kept.dys, self.shapes[layer])

    def input_gradient(self, of_class: Classes) -> Array:
        """The gradient of the score of a class by the pixels, ``(N, C, H, W)``."""
        self._differentiate(of_class)
        return self._joined(self._plan.input_gradient, self._parts.input_shape)

    def loss_gradients(self, targets: np.ndarray) -> dict[str, Array]:
        """The gradient of the mean data loss by each parameter, by its name."""
        self._require_targets(targets)
        self._plan.targets[:] = targets
        self._run(self._losses)
        self._of_class = ()
        return {p.name: np.array(p.grad) for p in self._parts.store.parameters}

    def close(self) -> None:
        """End the threads; the arrays that were given stay."""
        self._workers.close()

    def _find(self, layer: str) -> PlannedKept:
        if layer in self._kept:
            return self._kept[layer]
        raise self._no_such_layer(layer)

    def _differentiate(self, of_class: Classes) -> None:
        chosen = self._chosen(of_class)
        if chosen != self._of_class:
            self._plan.select(np.array(chosen))
            self._run(self._plan.backward)
            self._of_class = chosen

    def _run(self, stages: Sequence[Sequence[Task]]) -> None:
        self._workers.run_stages(stages)

    def _joined(self, parts: Sequence[Array], shape: Shape) -> Array:
        whole = np.concatenate([part.transpose(3, 1, 0, 2) for part in parts])
        return whole[: len(self.images)].reshape(-1, *shape)


class OpenedPlan(Plan):
    """The plan of an opened network: nothing is overwritten, and the input has a gradient."""

    def __init__(self, parts: Operations, batch: int) -> None:
        width = parts.largest_activation * parts.store.data.itemsize
        shape = parts.input_shape
        super().__init__(parts.ops, parts.store, batch, shape, width, parts.macs, KeepingArena)
        self._selected = [
            shard.arena.allocate((1, len(scores), 1, shard.size))
            for scores, shard in zip(self.scores, self.shards, strict=True)
        ]
        gradients = self.chain.plan_backward(
            self._selected, needs_input_grad=True, can_overwrite_grad=False
        )
        self.input_gradient = gradients or []
        self.backward = merge(self.chain.backward)

    def bind_losses(self, make_loss: MakeLoss) -> list[Sequence[Task]]:
        """Plan the gradients of the mean data loss of ``targets``; returns the stages."""
        self.losses = [
            make_loss(scores, selected[0, :, 0, :], self.targets[shard.images], self.batch)
            for scores, selected, shard in zip(
                self.scores, self._selected, self.shards, strict=True
            )
        ]
        return merge(
            [
                Stage([loss.run for loss in self.losses]),
                *self.chain.backward,
                Stage(self._reductions(), by_shard=False),
            ]
        )

    def select(self, classes: np.ndarray) -> None:
        """Differentiate the score of these classes, one for each of the first images."""
        for selected, shard in zip(self._selected, self.shards, strict=True):
            selected.fill(0)
            own = classes[shard.images]
            selected[0, own, 0, np.arange(len(own))] = 1


def _planned(parts: Operations, images: int, limit: int) -> OpenedPlan:
    """The plan for a number of images; memory is reserved here, but occupied only by a pass."""
    outputs = sum(map(math.prod, parts.shapes.values())) * parts.store.data.itemsize
    # Plans far beyond the limit are not even tried: the system may refuse to reserve so much.
    count = tried = min(images, max(1, limit // outputs))
    plan = OpenedPlan(parts, count)
    needed = _bytes(parts, plan) * images // tried
    while count and (held := _bytes(parts, plan)) > limit:
        count = min(count - 1, count * limit // held)
        plan = OpenedPlan(parts, max(1, count))
    if count == images:
        return plan
    raise too_many_to_open(images, needed, limit, count)


def _bytes(parts: Operations, plan: Plan) -> int:
    return plan.bytes + parts.store.data.nbytes + parts.store.grad.nbytes
