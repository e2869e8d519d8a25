"""Practising: checks of answers, hints, predictions and progress."""
