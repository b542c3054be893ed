"""Lumaboard: the board in front of Luma Dream Machine."""
