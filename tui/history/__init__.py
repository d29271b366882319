"""Runs on disk and runs of other processes: listed, compared, watched and continued."""
