"""Who is leaving: what leaving means here, what was known on a day, and what it says about the time after."""
