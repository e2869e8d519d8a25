"""E06: an event as text, in which nothing of the data can become a field."""
