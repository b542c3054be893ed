"""Copies the bytes of assets into our own storage before their links die, and serves them from there."""
