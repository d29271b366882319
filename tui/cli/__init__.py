"""The command line: one file per command, each with a ``command`` and ordinary imports.

:mod:`cnn_tui.tui.cli.group` imports the file of a command only when it is called.
"""
