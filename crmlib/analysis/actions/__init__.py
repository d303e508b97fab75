"""What to do with whom this month: a closed menu of actions, what each is expected to earn, and the best list."""
