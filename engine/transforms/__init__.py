"""Rewrites of networks with their weights: carried over, and compared on random input.

:mod:`specs.transforms` rewrites the description; :mod:`carry` moves the weights, :mod:`verify` runs
both networks. Begin with :mod:`carry`.
"""
