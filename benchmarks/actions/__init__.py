"""The list of the month: choosing among actions within limits, beside a general solver."""
