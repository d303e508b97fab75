"""Purchases on set occasions, with an end that nobody sees."""
