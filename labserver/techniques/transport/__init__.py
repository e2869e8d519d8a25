"""What the techniques stand on: connections, endpoints, HTTP, and the fan-out's write path."""
