"""The chat: rooms, offsets, presence, direct messages. No sockets, no tasks, no HTTP."""
