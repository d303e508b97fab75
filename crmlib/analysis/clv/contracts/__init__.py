"""Contracts that are renewed or not."""
