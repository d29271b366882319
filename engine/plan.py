"""A network bound to a batch size: every array is allocated once, nothing per step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from cnn_tui.engine.layers.base import Chain, Op, Stage, Task, merge
from cnn_tui.engine.ops.kernel import Shard, to_hcwn
from cnn_tui.engine.ops.loss import LossKernel, Weighting
from cnn_tui.engine.ops.memory import Arena, Array, aligned_empty
from cnn_tui.engine.parameters import ParameterStore

SHARD_COUNTS = (2, 4, 8)
"""Powers of two, which threads share evenly. Threads beyond 8 are idle, because every further shard
would cost another copy of the gradients."""
FEW_MACS = 13 << 20
"""Multiply-adds of a batch, forward; fewer take less time on one thread than on two (measured)."""
SHARD_BYTES = 1 << 21
"""Largest activation of a shard: about a core's second-level cache."""
FEWEST_IMAGES = 8
"""Images per shard, if there are enough; fewer make rows too short for fast loops and products."""
REDUCE_SIZE = 1 << 15
"""Gradient values that are summed over the shards at a time."""
TASK_SIZE = 1 << 17
"""Gradient values in a task of such sums; waking a thread takes as long as 100,000 (measured)."""

MakeLoss = Callable[[Array, Array, np.ndarray, int], LossKernel]


def shard_size(batch: int, bytes_per_image: int, macs: int) -> int:
    """Images per shard, from the batch and the network alone, never from the threads.

    The fewest shards that keep the largest activation in cache, or else the most allowed; one, if
    the ``macs`` multiply-adds of an image are so few that threads would not pay.
    """
    if batch * macs < FEW_MACS and batch * bytes_per_image <= SHARD_BYTES:
        return batch
    fitting = max(FEWEST_IMAGES, SHARD_BYTES // bytes_per_image)
    sizes = [math.ceil(batch / count) for count in SHARD_COUNTS]
    return next((size for size in sizes if size <= fitting), sizes[-1])


def blocks(low: int, high: int, size: int) -> list[slice]:
    """Slices of at most ``size`` from ``low`` to ``high``."""
    return [slice(start, min(start + size, high)) for start in range(low, high, size)]


def sum_of_squares(values: Array) -> float:
    """The sum of squares, which is infinite or NaN only if a value is; float64 only on overflow."""
    squares = float(np.dot(values, values))
    return squares if math.isfinite(squares) else float(np.square(values, dtype=float).sum())


class Plan:
    """Memory and schedule for one batch size; see :class:`cnn_tui.engine.model.Model`.

    A run reads ``images`` and ``targets``; afterwards ``logits (N, classes)`` are the scores and,
    after a training pass, the store's ``grad`` holds the gradients.
    """

    def __init__(
        self,
        ops: Sequence[Op],
        store: ParameterStore,
        batch: int,
        input_shape: tuple[int, int, int],
        bytes_per_image: int,
        macs: int,
        arena: type[Arena] = Arena,
        frozen: int = 0,
    ) -> None:
        self.ops, self.store, self.batch = ops, store, batch
        dtype = store.data.dtype
        size = shard_size(batch, bytes_per_image, macs)
        # The first shard's gradients are where the sums will be.
        self.shards = [
            Shard(
                index,
                slice(start, min(start + size, batch)),
                arena(dtype),
                aligned_empty((store.summed,), dtype) if index else store.grad[: store.summed],
            )
            for index, start in enumerate(range(0, batch, size))
        ]
        channels, height, width = input_shape
        self.inputs = [s.arena.allocate((height, channels, width, s.size)) for s in self.shards]
        self._fed = [np.empty(0, dtype)]
        self.targets = np.zeros(batch, np.int64)
        self.chain = Chain(ops, self.inputs, self.shards, overwrite=True, frozen=frozen)
        self.scores = [y[0, :, 0, :] for y in self.chain.ys]
        load = Stage([self._loading(shard) for shard in self.shards])
        refresh = Stage([op.prepare for op in ops], by_shard=False)
        self.prepare = refresh.alone() if store.size < TASK_SIZE else refresh
        self.forward = merge([self.prepare, load, *self.chain.forward])
        self.stages: tuple[Sequence[Stage], Sequence[Stage]] = ((), ())
        """Stages of a training pass before merging: forward, then from the loss backward."""
        self.losses: list[LossKernel] = []
        self.squares: list[float] = []
        """Sums of squares of the gradient, by block."""
        self.commits = self.chain.post_step

    @property
    def images(self) -> Array:
        """The images ``(N, C, H, W)`` of the next run."""
        return self._fed[0]

    @images.setter
    def images(self, images: Array) -> None:
        self._fed[0] = images

    # Here and below no task refers to its plan: a circle would keep hundreds of megabytes until
    # Python's collector finds it, which counts objects and not their bytes.

    def _loading(self, shard: Shard) -> Task:
        target, fed = self.inputs[shard.index], self._fed

        def run() -> None:
            np.copyto(target, to_hcwn(fed[0][shard.images]))

        return run

    def bind_training(self, make_loss: MakeLoss) -> list[Sequence[Task]]:
        """Plan the loss and the backward pass; returns the stages of a whole training pass."""
        gradients = [
            shard.arena.allocate((1, len(s), 1, shard.size)) for s, shard in self._outputs()
        ]
        self.losses = [
            make_loss(scores, gradient[0, :, 0, :], self.targets[shard.images], self.batch)
            for (scores, shard), gradient in zip(self._outputs(), gradients, strict=True)
        ]
        self.chain.plan_backward(gradients, needs_input_grad=False, can_overwrite_grad=False)
        load = Stage([self._loading(shard) for shard in self.shards])
        forward = [self.prepare, load, *self.chain.forward]
        backward = [
            Stage([loss.run for loss in self.losses]),
            *self.chain.backward,
            Stage(self._reductions(), by_shard=False),
        ]
        self.stages = forward, backward
        return merge([*forward, *backward])

    def weigh(self, weighting: Weighting | None) -> None:
        """Give each shard's loss the factors of its images in the next run."""
        for loss, shard in zip(self.losses, self.shards, strict=True):
            loss.weighting = None if weighting is None else weighting.of(shard.images)

    def _outputs(self) -> list[tuple[Array, Shard]]:
        return list(zip(self.scores, self.shards, strict=True))

    def _reductions(self) -> list[Task]:
        """Tasks that sum the gradients of the shards in their order, and their squares.

        Those computed for the whole batch are there already.
        """
        summed, trained = self.store.summed, self.store.trained
        self.squares = []
        return [
            *(self._reduction(span, self.shards[1:]) for span in blocks(0, summed, TASK_SIZE)),
            *(self._reduction(span, []) for span in blocks(summed, trained, TASK_SIZE)),
        ]

    def _reduction(self, span: slice, others: Sequence[Shard]) -> Task:
        parts = [
            (number, self.store.grad[block], [shard.grads[block] for shard in others])
            for number, block in enumerate(
                blocks(span.start, span.stop, REDUCE_SIZE), len(self.squares)
            )
        ]
        self.squares += [0.0] * len(parts)
        squares = self.squares

        def run() -> None:
            for number, target, partials in parts:
                for partial in partials:
                    np.add(target, partial, out=target)
                squares[number] = sum_of_squares(target)

        return run

    @property
    def gradient_norm(self) -> float:
        """Norm of the last training pass's gradient; infinite or NaN if a value is."""
        return math.sqrt(sum(self.squares))

    @property
    def bytes(self) -> int:
        """Bytes of activations, scratch, partial gradients and derived copies of weights."""
        arenas = sum(shard.arena.bytes for shard in self.shards)
        partials = sum(shard.grads.nbytes for shard in self.shards[1:])
        return arenas + partials + sum(op.derived_bytes for op in self.ops)

    @property
    def logits(self) -> Array:
        """The scores of the last run as ``(N, classes)``."""
        return np.concatenate([scores.T for scores in self.scores])
