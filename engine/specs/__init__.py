"""Descriptions of networks: immutable, comparable, without arrays and without NumPy.

:mod:`layers` describes every layer, :mod:`network` what a file holds besides. :mod:`check` infers
shapes, counts and faults (:mod:`infer`) and finds fixes (:mod:`doctor`); :mod:`codec` reads and
writes files, :mod:`quick` lines of text, :mod:`pattern` the pattern of the notes. Begin with
:mod:`layers`.
"""
