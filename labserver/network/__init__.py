"""A network as a function: links, named profiles, middleboxes. No sockets, no clock of its own."""
