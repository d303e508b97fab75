"""From order lines to purchase histories."""
