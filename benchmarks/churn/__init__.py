"""Who stays away: many customers scored, and intervals of scores beside scikit-learn in a loop."""
