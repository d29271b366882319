"""What the babysitter looks out for.

Each rule reads the :mod:`facts` of a training and finds at most a fault or two: about its
:mod:`start`, its learning :mod:`rate`, its :mod:`layers` and its :mod:`learning`. Begin with
:mod:`facts`.
"""
