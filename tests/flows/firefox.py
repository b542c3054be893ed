"""Debian's Firefox, driven by the protocol it has built in (Marionette): Playwright drives only a Firefox of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ops.installation import free_port

PATH = shutil.which("firefox-esr") or shutil.which("firefox")
_PREFERENCES: dict[str, Any] = {
    "media.autoplay.default": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "services.settings.server": "http://127.0.0.1:1/",
}


class Firefox:
    """A session; every call waits for its answer, at most half a minute."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # the greeting
        self._do("NewSession", capabilities={"alwaysMatch": {"timeouts": {"script": 25_000}}})

    def open(self, url: str) -> None:
        self._do("Navigate", url=url)

    def sign_in(self, session: str) -> None:
        """Take this session on for the host of the page that is open."""
        self._do("AddCookie", cookie={"name": "session", "value": session, "path": "/"})

    def run(self, script: str) -> Any:
        """Run a script that calls `done(value)`, and give that value."""
        return self._do("ExecuteAsyncScript", script=f"const done = arguments[0]; {script}", args=[])["value"]

    def _do(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, f"WebDriver:{command}", parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _kind, _number, error, result = self._read()
        assert error is None, f"{command}: {error}"
        return result

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox has ended"
            length += byte
        return json.loads(self._stream.read(int(length)))


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Start a Firefox with an empty profile; it ends afterwards."""
    assert PATH is not None
    port = free_port()
    profile.mkdir()
    preferences = {**_PREFERENCES, "marionette.port": port}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = subprocess.Popen(
        [PATH, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
        env={"HOME": str(profile), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Firefox(_wait_for(port, process))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "Firefox did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return port
    raise AssertionError("Firefox did not open its port within a minute")
