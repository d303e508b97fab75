"""What customers are worth, and what they may cost."""
