"""Datasets: read, check, split, normalise and cut into batches.

:mod:`catalog` finds a dataset by name or path, one module per format reads it (:mod:`mnist`,
:mod:`cifar`, :mod:`arrays`, :mod:`folder`, :mod:`built_in`), :mod:`fetch` downloads. Each gives a
``Dataset`` of :mod:`dataset`, which :mod:`loader` cuts into batches. Begin with :mod:`dataset`.
"""
