"""Descriptions of networks: immutable, comparable, without arrays and without NumPy."""
