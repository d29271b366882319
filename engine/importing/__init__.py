"""Converts networks of other programs: ONNX files and PyTorch's ``nn.Sequential``.

:mod:`reading` chooses by the type of the file. Source and live modules become a tree of
``ImportedModule``, an ONNX graph a path with branches (:mod:`onnx_graph`). :mod:`modules` and
:mod:`onnx_ops` convert these to layers and add them to an :mod:`assembly`. Begin with
:mod:`modules`.

Weights by themselves are found by their names in :mod:`weights`, out of the files of
:mod:`tensor_file`.
"""
