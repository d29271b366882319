"""The PyTorch engine: the module that an export writes, behind the protocol of an engine.

:mod:`engines` alone imports it, when a recipe asks for it: PyTorch is an extra.
Begin with :mod:`engine`.
"""
