"""Networks of other programs as architectures: ONNX files and PyTorch's ``nn.Sequential``.

:mod:`reading` chooses by the file. Source and live modules become a tree of ``ImportedModule``
(:mod:`imported_module`), an ONNX graph a path with branches (:mod:`onnx_graph`). :mod:`modules` and
:mod:`onnx_ops` know the counterparts of both and put them into an :mod:`assembly`. Begin with
:mod:`modules`.
"""
