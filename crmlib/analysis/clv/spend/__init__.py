"""How much a purchase brings, and what it leaves."""
