"""What exercises hand to a learner's code, and take from it."""
