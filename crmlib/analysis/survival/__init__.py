"""Surviving: how long contracts last, where their end is seen, and what that costs."""
