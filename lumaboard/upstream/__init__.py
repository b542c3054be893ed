"""Speaks the provider's API over a session it is given. Plain Python: it knows nothing of Django or of our tables."""
