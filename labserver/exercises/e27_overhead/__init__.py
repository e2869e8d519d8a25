"""E27: how many times the bytes, and up to which size of message."""
