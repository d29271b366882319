"""Training: the loop, its stream of events up and its control down."""
