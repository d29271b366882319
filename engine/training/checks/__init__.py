"""The single checks of a pre-flight: each looks at the bench and gives one line."""
