"""Loyalty programmes: what a club does to its members, apart from who joins it."""
