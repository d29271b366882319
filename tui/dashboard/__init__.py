"""The model of the Train screen, without widgets."""
