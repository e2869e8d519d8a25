"""E10: masking, which is also unmasking."""
