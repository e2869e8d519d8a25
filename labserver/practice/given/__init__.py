"""What exercises hand to a learner's code, and what they take back from it."""
