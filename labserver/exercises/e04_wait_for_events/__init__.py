"""E04: a long poll's wait, in which no event is lost."""
