"""Converts networks of other programs: ONNX files and PyTorch's ``nn.Sequential``.

:mod:`reading` chooses by the type of the file. Source and live modules become a tree of
``ImportedModule``, which :mod:`modules` converts to layers; they are added to an :mod:`assembly`.

An ONNX file is read (:mod:`onnx_file`), what depends on constants alone is computed
(:mod:`onnx_fold`), and the graph is taken apart into chains and joins (:mod:`onnx_graph`).
:mod:`onnx_convert` goes along these and chooses among :mod:`onnx_patterns`, :mod:`onnx_scalar`,
:mod:`onnx_joins`, :mod:`onnx_windows` and :mod:`onnx_ops`, which append layers with their weights
(:mod:`onnx_layers`). Begin with :mod:`onnx_network`.

Weights by themselves are found by their names in :mod:`weights`, out of the files of
:mod:`tensor_file`.
"""
