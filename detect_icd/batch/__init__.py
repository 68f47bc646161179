"""Corpora: many documents from a JSON Lines file to another, in order, every fault kept to its own line."""
