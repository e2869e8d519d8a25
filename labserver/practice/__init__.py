"""A wing that uses the house: predictions, checks, hints, progress. The house never uses it."""
