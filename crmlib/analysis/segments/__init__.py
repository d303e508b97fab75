"""Which groups of customers deserve which relationship: groups, how steady they are, who moves, and what each gets."""
