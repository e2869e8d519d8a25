"""Traces, which hold what was recorded, with their tables and files."""
