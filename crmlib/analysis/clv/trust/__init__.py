"""Whether a forecast can be trusted: rehearsals, assumptions, known truth."""
