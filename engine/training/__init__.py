"""Training: the loop, the events that it emits and the control that steers it.

:mod:`trainer` is the loop; it emits :mod:`events` and follows a :mod:`control`. :mod:`health`
measures layers, :mod:`babysitter` applies :mod:`rules` to the measurements, :mod:`preflight` runs
:mod:`checks` before a training. Begin with :mod:`trainer`.
"""
