"""Exports runs: tables, weights, PyTorch source, ONNX models, TensorBoard files.

:mod:`states` loads what is exported, :mod:`modules` names layers as PyTorch does. One module writes
each format; a layer with its ``Counterpart`` in :mod:`specs.info` needs no code here. Begin with
:mod:`pytorch`.
"""
