"""The rules of the babysitter.

Each rule reads the :mod:`facts` of a training and yields verdicts about its :mod:`start`, its
learning :mod:`rate`, its :mod:`layers` or its :mod:`learning`. Begin with :mod:`facts`.
"""
