"""E11: a frame as bytes."""
