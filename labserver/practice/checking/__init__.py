"""Checking an answer: cases, sandbox, values, differences. Does not know about progress."""
