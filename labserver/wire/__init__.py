"""What was sent: bytes in, messages out, at any cut of the bytes. No sockets, no tasks."""
