"""The terminal's side of cnn-tui: the app and the command line. Nothing heavy is imported here."""
