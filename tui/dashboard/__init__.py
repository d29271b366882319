"""What the Train screen shows, without its widgets."""
