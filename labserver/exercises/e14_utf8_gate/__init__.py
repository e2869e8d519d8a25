"""E14: text that comes in fragments, checked as it comes."""
