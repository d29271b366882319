"""Training: the loop, its stream of events up and its control down.

:mod:`trainer` is the loop; it emits :mod:`events` and obeys a :mod:`control`. :mod:`health`
measures layers, :mod:`babysitter` applies :mod:`rules` to what was measured, :mod:`preflight` runs
:mod:`checks` before a training. Begin with :mod:`trainer`.
"""
