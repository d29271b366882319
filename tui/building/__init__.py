"""The model of the Build screen, without widgets."""
