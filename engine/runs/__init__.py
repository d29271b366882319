"""Runs: a training kept in a folder that outlives its process, and what others make of it.

:mod:`recorder` writes a run while it trains, :mod:`folder` reads it, :mod:`follow` watches it live,
:mod:`resume` continues it and :mod:`manage` renames, tags and deletes it. Begin with :mod:`folder`.
"""
