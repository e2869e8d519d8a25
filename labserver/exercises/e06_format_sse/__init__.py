"""E06: an event as bytes, in which no part of the data can become a field."""
