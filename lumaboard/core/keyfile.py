"""Secrets that the installation makes for itself, kept in the data folder for its owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in this file, making it first (mode 600) where there is none.

    Two processes that start at once agree: the file appears complete under its name or not at all, and the first one stays.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database will lie beside it
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass  # another process was first; its secret is the one that counts
        finally:
            unfinished.unlink()
    return path.read_text().strip()
