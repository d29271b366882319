"""Looking inside a trained network: one computation a file, without a screen.

Begin with :mod:`subject`, which is what is looked into, and with ``Model.opened``.
"""
