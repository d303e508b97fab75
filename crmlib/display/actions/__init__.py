"""How the notebook on actions speaks: tables, sentences, its ending, and the truth where it is known."""
