"""Runs of before and of others: shown, compared, watched, taken up again."""
