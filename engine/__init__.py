"""The NumPy engine of cnn-tui: describe, check, build and train ConvNets, without a screen.

Imports point rightwards only: ``training -> build -> model -> layers -> ops``; ``specs``,
``shapes`` and ``errors`` are leaves. Nothing here knows the terminal.
"""
