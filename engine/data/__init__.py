"""Datasets: read, check, split, normalise and cut into batches."""
