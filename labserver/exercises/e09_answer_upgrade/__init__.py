"""E09: the answer to a WebSocket handshake."""
