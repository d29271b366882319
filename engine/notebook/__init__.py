"""The engine in a notebook or a script: from a preset to a picture in fifteen lines.

:func:`load`, :func:`train` and :func:`inspect` are also names of :mod:`cnn_tui.engine`.
"""
