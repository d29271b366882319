"""Transfers weights to rewritten networks, and compares both on random input.

:mod:`specs.transforms` rewrites the description; :mod:`carry` transfers the weights, :mod:`verify`
runs both networks. Begin with :mod:`carry`.
"""
