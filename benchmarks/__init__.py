"""Time the suite side by side with what a person would otherwise use: ``make bench``."""
