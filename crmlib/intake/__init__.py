"""Intake: tables and columns accepted, opened, checked and stored."""
