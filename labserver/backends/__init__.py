"""What chat/ports asks for: buses and mailboxes."""
