"""The engine in a notebook or a script: from a preset to a picture in fifteen lines.

``load``, ``train`` and ``inspect`` are also names of the package above. Begin with :mod:`training`.
"""
