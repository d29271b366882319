"""What the commands of the app do, by what they act on; the app is the last of these classes."""
