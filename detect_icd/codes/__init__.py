"""Answers to questions about codes: look-up, search, and the check of a claim's list."""
