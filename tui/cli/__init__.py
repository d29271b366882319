"""The command line: one file per command, each with a ``command`` and its ordinary imports.

:mod:`cnn_tui.tui.cli.group` imports a command's file only when that command is called.
"""
