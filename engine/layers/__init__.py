"""Layers: parameters, and operations bound to a batch of shards.

:mod:`lower` has one row for each layer: the function that makes its operations and parameters. They
stand in :mod:`conv`, :mod:`fc`, :mod:`norm`, :mod:`residual` and :mod:`simple`. :mod:`base` says
what an operation is and how a chain of them is laid out. Begin with :mod:`lower`.
"""
