"""What a learner has done: kept, shown, reset."""
