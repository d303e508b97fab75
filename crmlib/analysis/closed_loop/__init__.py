"""Monthly actions held against those left alone by lot, month after month."""
