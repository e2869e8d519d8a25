"""E08: the value of Sec-WebSocket-Accept."""
