"""Where it runs: the loop, the servers, their sockets and processes."""
