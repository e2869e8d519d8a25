"""Checking an answer: cases, sandbox, values, differences. Knows no progress."""
