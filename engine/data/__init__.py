"""Datasets: read, check, split, normalise and cut into batches.

:mod:`catalog` finds a dataset by its name or path, one module for each format reads it (:mod:`idx`,
:mod:`cifar`, :mod:`npz`, :mod:`folder`), :mod:`fetch` downloads. All become a ``Dataset`` in
:mod:`dataset`, of which :mod:`loader` makes batches. Begin with :mod:`dataset`.
"""
