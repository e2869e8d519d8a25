"""Practising: checks of answers, hints, what the lessons ask, and progress."""
