"""Runs: a training kept in a folder that outlives its process, and what others make of it."""
