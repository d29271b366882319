"""Descriptions of networks: immutable, comparable, without arrays and without NumPy.

:mod:`layers` describes every layer, :mod:`network` the rest of a file. :mod:`check` infers
shapes, counts and faults (:mod:`infer`) and suggests fixes (:mod:`doctor`); :mod:`codec` reads and
writes files, :mod:`quick` lines of text, :mod:`pattern` the pattern of the CS231n notes. Begin
with :mod:`layers`.
"""
