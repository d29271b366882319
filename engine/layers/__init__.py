"""Layers: parameters, and operations bound to a batch of shards."""
