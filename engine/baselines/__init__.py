"""What a ConvNet has to beat: k-NN, and the ladder of networks up to it.

:mod:`suite` runs them, :mod:`recipes` describes their networks, :mod:`knn` is the exact
nearest-neighbour search with :mod:`validation` for the choice of k. Begin with :mod:`suite`.
"""
