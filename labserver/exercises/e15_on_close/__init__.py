"""E15: what a close frame says, and what it is answered with."""
