"""E09: what a server answers to a WebSocket handshake."""
