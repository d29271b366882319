"""Rewrites of networks with their weights: carried over, and compared on random input."""
