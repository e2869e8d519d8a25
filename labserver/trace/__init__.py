"""What was recorded: traces, their tables, their files."""
