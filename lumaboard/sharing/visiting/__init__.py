"""Whom a link lets in, and what it shows them."""
