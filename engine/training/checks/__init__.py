"""The single checks of a pre-flight.

Each looks at the :mod:`bench`, a network with a little data, and gives one line: :mod:`data`,
:mod:`loss`, :mod:`gradcheck`, :mod:`learning` and :mod:`overfit`. Begin with :mod:`bench`.
"""
