"""The learner's own functions as a WebSocket server, and how well it keeps the protocol."""
