"""Any training on the dashboard: what another program reports, written as the folder of a run.

Begin with :mod:`begin`, which has ``record``. Nothing here needs NumPy or Textual, and
nothing raises into the training that it records.
"""
