"""Networks by name, one TOML file each; :mod:`cnn_tui.engine.specs.presets` reads them."""
