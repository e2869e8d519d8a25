"""Buses and mailboxes, as chat/ports.py asks for them."""
