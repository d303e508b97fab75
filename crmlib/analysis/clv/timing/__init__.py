"""Purchases at any time, with an end that nobody sees."""
