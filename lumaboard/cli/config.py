"""Which board, and with which token: a file that nobody else can read, or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lumaboard.cli.errors import CliError


@dataclass(frozen=True, slots=True)
class Login:
    url: str
    token: str


def path_of(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "lumaboard" / "config.json"


def read_login(environment: Mapping[str, str]) -> Login:
    """Return what `login` kept; BOARD_URL and BOARD_TOKEN go before it. Raises `CliError` where there is nothing."""
    kept: dict[str, str] = {}
    if (path := path_of(environment)).exists():
        try:
            kept = json.loads(path.read_text())
        except ValueError as error:
            raise CliError(f"{path} cannot be read. Sign in anew: lumaboard login URL") from error
    url, token = environment.get("BOARD_URL") or kept.get("url"), environment.get("BOARD_TOKEN") or kept.get("token")
    if not url or not token:
        raise CliError("Sign in first: lumaboard login https://your-board.example")
    return Login(url.rstrip("/"), token)


def keep_login(login: Login, environment: Mapping[str, str]) -> Path:
    """Write the file with mode 600 from its first byte on, complete or not at all."""
    path = path_of(environment)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": login.url, "token": login.token}, file)
    unfinished.replace(path)
    return path
