"""E07: what a client missed, or that it cannot be known."""
