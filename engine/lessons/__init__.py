"""Lessons: a text, a network to begin with, and a task that is checked from the state of the work.

A lesson is a TOML file (``docs/lessons.md``). Its conditions are about the JSON that ``check``,
``train`` and ``inspect`` print. Begin with :mod:`lesson`; :mod:`judging` decides, :mod:`solving`
alone computes.
"""
