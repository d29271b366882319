"""What the Sweeps screen shows of a sweep, without widgets."""
