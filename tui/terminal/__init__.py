"""The terminal itself: what is sent to it, how fast, in which glyphs, and how it is left."""
