"""Maximum likelihood and posterior draws: what all models share."""
