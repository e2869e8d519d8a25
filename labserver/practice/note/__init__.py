"""The study note: its claims, and what the learner's own runs say of them."""
