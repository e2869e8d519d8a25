"""For a teacher: releasing and marking notebooks."""
