"""Runs for other programs: tables, weights, PyTorch source, ONNX, TensorBoard."""
