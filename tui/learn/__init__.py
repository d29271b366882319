"""The content of the Learn screen and of a lesson under way, without widgets."""
