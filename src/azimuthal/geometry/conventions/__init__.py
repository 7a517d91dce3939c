"""Foreign conventions."""
