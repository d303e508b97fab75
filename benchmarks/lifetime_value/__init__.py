"""Lifetime value beside its peers: lifetimes and pymc-marketing, on the same data in the same run."""
