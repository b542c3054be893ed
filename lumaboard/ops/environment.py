"""Secrets that are handed to a command; never as arguments, which other accounts of the machine can read."""

from __future__ import annotations

import os

from django.core.management.base import CommandError


def secret_from(variable: str) -> str:
    """Return the secret in this environment variable; raises `CommandError` where there is none."""
    if not (secret := os.environ.get(variable, "")):
        raise CommandError(f"The environment variable {variable} is not set, or empty.")
    return secret
