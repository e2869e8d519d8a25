"""E05: events out of a `text/event-stream`."""
