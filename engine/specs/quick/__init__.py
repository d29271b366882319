"""Reads and writes layers as text: ``conv 32 3x3 pad same | relu | pool 2 | fc 10``.

A layer begins with its name. Numbers fill the main settings in order; others are given by name
(``stride 2``, ``stride=2`` or ``s2``) or as a flag (``floor``). The bar between two layers may be
left out. A residual block holds its branch in braces: ``res { conv 16 pad same } proj s2``.

The words are in the ``info`` of each layer; :mod:`vocabulary` looks them up, :mod:`parse` reads,
:mod:`write` writes and :mod:`complete` suggests words. Begin with :mod:`parse`.
"""
