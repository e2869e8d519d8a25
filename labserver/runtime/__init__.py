"""The runtime of the servers: the event loop's thread, sockets, processes and the relay."""
