"""The individual checks of a pre-flight.

Each examines the :mod:`bench`, a network with a little data, and returns one line. They are in
:mod:`start`, :mod:`gradcheck` and :mod:`learning`. Begin with :mod:`bench`.
"""
