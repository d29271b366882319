"""NumPy kernels, bound to their arrays once and run many times.

The inner layout is ``(H, C, W, N)``: rows outermost, the images of a shard innermost. The patch
rows ``x[oh : oh + KH]`` are then one contiguous ``(KH*C, W*N)`` matrix, so a convolution is a GEMM
a row without copying patches; bias, ReLU and normalisation work on runs of ``W*N`` floats. A vector
of D features is ``(1, D, 1, N)``. Public arrays keep PyTorch's ``(N, C, H, W)``; they are turned
where images enter (:mod:`cnn_tui.engine.ops.layout`) and logits leave.
"""
