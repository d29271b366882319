"""Sweeps: many runs of one file, chosen by Optuna, placed by Dask.

A sweep is a folder beside the runs that it trains. Begin with :mod:`plan`. :mod:`coordinator` is
the only one who writes the folder; :mod:`state` reads it from any process, while it is written and
afterwards, and :mod:`requests` asks the coordinator for something through its files.
Dask and Optuna are imported when a sweep begins.
"""
