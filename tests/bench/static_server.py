"""What our ranges are compared with: nginx where it is installed, else the barest server there can be."""

from __future__ import annotations

import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.wire import Address
from tests.ops.installation import free_port

_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
_NGINX_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


def nginx() -> str | None:
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), *_NGINX_PLACES]))


def name() -> str:
    return "nginx" if nginx() else "a bare sendfile server"


@contextmanager
def running(root: Path, folder: Path) -> Iterator[Address]:
    """Serve the files below `root` for as long as the block lasts; `folder` is for what the server writes."""
    port = free_port()
    if program := nginx():
        configuration = folder / "nginx.conf"
        # As root, nginx would read the files as somebody else.
        user = "user root;" if os.getuid() == 0 else ""
        configuration.write_text(user + _CONFIGURATION.format(folder=folder, port=port, root=root))
        command = [program, "-e", str(folder / "error.log"), "-c", str(configuration)]
    else:
        command = [sys.executable, "-m", "tests.bench.static_server", str(port), str(root)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(("127.0.0.1", port))
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_open(address: Address) -> None:
    ends_at = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            assert time.monotonic() < ends_at, "the static server did not start"
            time.sleep(0.05)
        else:
            return


class _Files(socketserver.StreamRequestHandler):
    """Sends ranges of files with sendfile, and understands nothing else."""

    root = Path()

    def handle(self) -> None:
        while line := self.rfile.readline():
            path = self.root / line.split()[1].decode().lstrip("/")
            span = (0, path.stat().st_size - 1)
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if found := re.fullmatch(rb"(?i)range: bytes=(\d+)-(\d+)\s*", header):
                    span = int(found[1]), int(found[2])
            count = span[1] - span[0] + 1
            self.wfile.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\n\r\n" % count)
            with path.open("rb") as file:
                self.connection.sendfile(file, offset=span[0], count=count)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    _Files.root = Path(sys.argv[2])
    _Server(("127.0.0.1", int(sys.argv[1])), _Files).serve_forever()
