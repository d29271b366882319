"""The forms in which data of one's own is read, by the endings of files; NumPy is not loaded."""

from __future__ import annotations

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""Endings of tables."""
PARQUET = ".parquet"
FILE_SUFFIXES = (".npz", ".npy", ".zip", PARQUET, *TABLES)
"""Endings of the files that are read."""
FORMS = "a folder of pictures, or a .npz, .npy, .csv, .parquet or .zip file"
"""Everything that is read, in words."""
CLASS_FOLDERS = "a folder with a folder for each class"
"""The form in which ImageNet is published, in words."""
