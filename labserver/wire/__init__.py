"""Decoders: bytes in, messages out, however the bytes are cut. No sockets, no tasks."""
