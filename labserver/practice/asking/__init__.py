"""What a cell asks the learner: to predict, to explain, and to recall earlier lessons."""
