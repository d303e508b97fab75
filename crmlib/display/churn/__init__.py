"""Churn for people: the frames, sentences and the ending of notebook 03."""
