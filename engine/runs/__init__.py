"""Runs: a training kept in a folder that outlives its process.

:mod:`folder` names the files of a run, :mod:`train` starts and resumes one, :mod:`recorder` and
:mod:`writer` write it, :mod:`follow` reads it live, :mod:`history` lists all runs and :mod:`manage`
renames, tags and deletes them. Begin with :mod:`folder`.
"""
