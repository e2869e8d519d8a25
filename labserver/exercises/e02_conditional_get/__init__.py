"""E02: whether a conditional GET is answered with 304."""
