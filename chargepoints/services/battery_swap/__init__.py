"""Swaps of batteries (2.1 S)."""
