"""Whom to contact: what randomised tests show, who responds to a contact, and which rule to target by earns most."""
