"""``python -m cnn_tui.tui``: the same as the command ``cnn-tui``."""

from cnn_tui.tui.cli.main import run

if __name__ == "__main__":
    run()
