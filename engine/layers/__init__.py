"""Layers: parameters, and operations bound to a batch of shards.

:mod:`lower` has one row for each layer: the function that makes its operations and parameters.
These functions are in :mod:`conv`, :mod:`fc`, :mod:`norm`, :mod:`branches` and :mod:`simple`.
:mod:`base` defines operations and how a chain of them is planned. Begin with :mod:`lower`.
"""
