"""NumPy kernels, bound to their arrays once and run many times. Begin with :mod:`kernel`.

The storage layout is ``(H, C, W, N)``: rows outermost, the images of a shard innermost. The rows
under a window, ``x[oh : oh + KH]``, are then one contiguous ``(KH*C, W*N)`` matrix, so a
convolution is one matrix product per row (im2col) that copies no patches; bias, ReLU and
normalisation work on runs of ``W*N`` floats. A vector of D features is ``(1, D, 1, N)``. Public
arrays keep PyTorch's ``(N, C, H, W)``; ``kernel.to_hcwn`` converts images on entry.

There are five ways to convolve, chosen by size alone: ``layers.conv`` sends narrow groups to the
last, ``conv.choose_conv_kernel`` chooses between the fourth and the others,
``winograd.padded_rows`` and ``patches.find_patches`` among those. All give the same numbers up to
rounding.

========  ==================================================  ==================================
way       when                                                what it does
========  ==================================================  ==================================
shared    stride 1, kernel of 2 to 5 rows, at least 16        Winograd's minimal filtering along
          input and output channels                           the height: half of the products
shifted   stride 1, no dilation, enough channels              KW products on shifted views of
                                                              the padded input; nothing copied
copied    few channels or larger stride                       copies the taps along the width of
                                                              a few rows, then one product per
                                                              row (im2col)
gathered  filter banks over 1 MB with rows under 256 values;  im2col of several rows at once, so
          shared products only over 4 MB and under 48         that the bank is read once
banded    groups of up to 32 channels, also depthwise         one batched product over groups
                                                              and tiles of rows, with a banded
                                                              matrix for each filter
========  ==================================================  ==================================

The gradient of the input is the same operation on ``dy`` with the weights rotated by 180 degrees
where the stride is 1. With a stride the pixels that the same taps read form a phase, and each phase
is a convolution of stride 1 (``strided``); gathered patches are scattered instead (col2im).

The other layers work on rows, which :mod:`rows` makes long, and on blocks that stay in cache; pools
on :mod:`planes`. docs/performance.md has the measurements.
"""
