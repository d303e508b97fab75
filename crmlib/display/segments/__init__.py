"""What the notebook on segments shows: tables, sentences, cards and its closing."""
