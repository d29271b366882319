"""What the Build screen edits, without its widgets."""
