"""The NumPy engine of cnn-tui: describe, check, build and train ConvNets, without a screen.

Imports point rightwards only: ``training -> build -> model -> layers -> ops``; :mod:`specs`,
:mod:`shapes` and :mod:`errors` are leaves. Nothing here knows the terminal. Begin with
:mod:`specs.layers`, which describes every layer, then :mod:`build`, which makes a :mod:`model` of a
description, and :mod:`training.trainer`, which trains it.
"""
