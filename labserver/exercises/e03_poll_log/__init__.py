"""E03: a log that is read by cursor."""
