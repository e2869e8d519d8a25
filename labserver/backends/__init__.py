"""Buses and mailboxes, as chat/interfaces.py asks for them."""
