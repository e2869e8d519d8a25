"""The study note as a list of claims, and the learner's own verdicts on them."""
