"""The terminal: what is sent to it, how often, in which characters, and how it is restored."""
