"""What is said: rooms, offsets, presence, direct messages. No sockets, no tasks, no HTTP."""
