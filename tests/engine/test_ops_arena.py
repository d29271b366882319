"""The arena of a plan: alignment, what is used again, and what it knows of halos."""

from __future__ import annotations

import numpy as np
import pytest

from cnn_tui.engine.ops.memory import ALIGNMENT, Arena, aligned_empty, aligned_zeros, mask_in
from cnn_tui.engine.ops.rows import whole_rows


@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (64, 64)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_aligned(shape: tuple[int, ...], dtype: type) -> None:
    for make in (aligned_empty, aligned_zeros):
        kept = [make(shape, dtype) for _ in range(20)]
        for array in kept:
            assert (array.shape, array.dtype) == (shape, dtype) and array.flags.c_contiguous
            assert array.ctypes.data % ALIGNMENT == 0
            assert array.base is not None and array.base.nbytes == array.nbytes + ALIGNMENT
    assert not kept[0].any()


def test_the_smallest_block_that_fits_is_used_again() -> None:
    arena = Arena(np.float32)
    large, small = arena.acquire((100,)), arena.acquire((5, 2))
    assert arena.bytes == 440
    arena.release(large)
    arena.release(small)
    arena.release(small)
    assert np.shares_memory(arena.acquire((10,)), small)
    assert np.shares_memory(arena.acquire((1,)), large)
    other = arena.acquire((1,))
    assert not np.shares_memory(other, large) and arena.bytes == 444
    arena.release(np.empty(3, np.float32))
    assert not np.shares_memory(arena.acquire((1,)), other)


def test_scratch_arrays_of_one_operation_do_not_overlap() -> None:
    arena = Arena(np.float64)
    one, two = arena.scratches((2, 3), (6,))
    assert not np.shares_memory(one, two) and arena.bytes == 96
    assert any(np.shares_memory(arena.scratch((4,)), each) for each in (one, two))
    assert arena.bytes == 96


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mask_takes_a_byte_for_each_number(dtype: type) -> None:
    arena = Arena(dtype)
    for count in range(1, 20):
        (size,) = arena.mask_size((count, 1))
        assert (size - 1) * arena.dtype.itemsize < count <= size * arena.dtype.itemsize
        assert mask_in(arena.scratch((size,)), (count, 1)).shape == (count, 1)


def test_zeros_are_shared() -> None:
    arena = Arena(np.float32)
    few, many = arena.zeros((2, 3)), arena.zeros((4, 4))
    assert arena.bytes == 4 * (6 + 16) and not few.any() and many.shape == (4, 4)
    assert np.shares_memory(arena.zeros((3,)), many) and np.shares_memory(arena.zeros((16,)), many)
    assert arena.bytes == 4 * (6 + 16)
    single = Arena(np.float32)
    assert not single.zeros((1,)).any() and single.bytes == 4


def test_a_padding_is_read_from_a_halo_that_is_as_large() -> None:
    arena = Arena(np.float32)
    inner = arena.allocate((2, 4, 4, 5), (2, 1))
    inner[...] = 1
    assert arena.bytes == 4 * 6 * 4 * 6 * 5
    for padding in ((0, 0), (1, 0), (2, 1), (0, 1)):
        view = arena.padded_view(inner, padding)
        assert view is not None and view.shape == (2 + 2 * padding[0], 4, 4 + 2 * padding[1], 5)
        assert view.sum() == inner.size
    assert arena.padded_view(inner, (3, 0)) is None and arena.padded_view(inner, (0, 2)) is None
    assert arena.with_columns(inner).shape == (2, 4, 6, 5)
    parts = arena.split(inner, 2)
    for part in parts:
        padded = arena.padded_view(part, (2, 1))
        assert part.shape == (2, 2, 4, 5) and padded is not None and padded.sum() == part.size
        assert padded.shape == (6, 2, 6, 5) and np.shares_memory(padded, part)
    # The first group has the address of the whole.
    whole = arena.padded_view(inner, (2, 1))
    assert whole is not None and whole.shape == (6, 4, 6, 5)
    assert arena.with_columns(inner[:1]).shape == (1, 4, 4, 5)
    assert arena.with_columns(inner[..., :2]).shape == (2, 4, 4, 2)
    plain = arena.allocate((2, 4, 4, 5))
    assert arena.with_columns(plain).shape == plain.shape
    assert arena.padded_view(plain, (0, 1)) is None


def test_rows_are_whole_where_all_volumes_have_the_same_halo() -> None:
    arena, shape = Arena(np.float32), (2, 3, 4, 5)
    one, other, wider = (arena.allocate(shape, halo) for halo in ((1, 1), (2, 1), (1, 2)))
    plain = arena.allocate(shape)
    assert [each.shape[2] for each in whole_rows(arena, one, other)] == [6, 6]
    for volume in (wider, plain):
        assert [each.shape for each in whole_rows(arena, one, volume)] == [shape, shape]
    assert [each.shape for each in whole_rows(arena, plain)] == [shape]


def test_a_gradient_has_the_halo_that_its_reader_wants() -> None:
    arena = Arena(np.float32)
    x, y, z = (arena.allocate((2, 4, 3, 5)) for _ in range(3))
    arena.expect_halo(x, (1, 2))
    arena.inherit_halo(y, x)
    arena.inherit_halo(z, z)
    dx = arena.gradient_of(x)
    padded = arena.padded_view(dx, (1, 2))
    assert padded is not None and padded.shape == (4, 4, 7, 5) and dx.shape == x.shape
    assert arena.padded_view(arena.gradient_of(z), (0, 0)) is not None
    assert arena.padded_view(arena.gradient_of(z), (0, 1)) is None
    dy = arena.gradient_of(y)
    assert arena.padded_view(dy, (1, 2)) is not None
    # The block of a released gradient is another array's, with no halo that it had.
    before = arena.bytes
    arena.release(dx)
    again = arena.acquire(padded.shape)
    assert np.shares_memory(again, dx) and arena.bytes == before
    assert arena.padded_view(dx, (1, 2)) is None
