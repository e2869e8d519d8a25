"""E12: frames out of a stream of bytes."""
