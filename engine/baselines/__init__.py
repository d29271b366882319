"""Baselines that a ConvNet has to beat: k-NN, linear classifiers and a two-layer network.

:mod:`suite` runs them, :mod:`recipes` describes the networks, :mod:`trained` trains them,
:mod:`neighbours` runs k-NN with the exact search of :mod:`knn` and the cross-validation of
:mod:`validation`, :mod:`record` keeps the results. Begin with :mod:`suite`.
"""
