"""E07: what a client missed, or that nobody can say."""
