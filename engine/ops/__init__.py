"""NumPy kernels, bound to their arrays once and run many times. Begin with :mod:`kernel`.

The storage layout is ``(H, C, W, N)``: rows outermost, the images of a shard innermost. The rows
under a window, ``x[oh : oh + KH]``, are then one contiguous ``(KH*C, W*N)`` matrix, so a
convolution is one matrix product per row (im2col) that copies no patches; bias, ReLU and
normalisation work on runs of ``W*N`` floats. A vector of D features is ``(1, D, 1, N)``. Public
arrays keep PyTorch's ``(N, C, H, W)``; ``kernel.to_hcwn`` converts images on entry.

There are four ways to convolve. ``conv.choose_conv_kernel`` chooses by size alone between the last
and the others, ``patches.find_patches`` among those. All give the same numbers up to rounding.

========  ==================================================  ==================================
way       when                                                what it does
========  ==================================================  ==================================
shared    stride 1, kernel of 2 to 5 rows, at least 16        Winograd's minimal filtering along
          input and output channels                           the height: half of the products
shifted   stride 1, enough channels                           KW products on shifted views of
                                                              the padded input; nothing copied
copied    few channels, larger stride, or dilation            copies the taps along the width,
                                                              then one product per row (im2col)
gathered  other filter banks over 1 MB, rows under 256        im2col of several rows at once, so
          values                                              that the bank is read once
========  ==================================================  ==================================

The gradient of the input is the same operation on ``dy`` with the weights rotated by 180 degrees
where the stride is 1, and scattered columns (col2im) elsewhere.

The other layers work on rows, which :mod:`rows` makes long, and on blocks that stay in cache; pools
on :mod:`planes`. docs/performance.md has the measurements.
"""
