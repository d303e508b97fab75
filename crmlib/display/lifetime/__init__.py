"""What the notebook on lifetime value says and shows."""
