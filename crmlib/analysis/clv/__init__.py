"""Customer lifetime value: fitting, then contracts, occasions, purchases, timing and spend, then trust, then worth."""
