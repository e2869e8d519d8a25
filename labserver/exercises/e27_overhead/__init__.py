"""E27: by how much HTTP exceeds a WebSocket, and up to which message size."""
