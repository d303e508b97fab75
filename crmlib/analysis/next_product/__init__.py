"""Which product to offer next: what customers buy together and one after the other, tested against what sells most."""
