"""An upstream of the bench's own: real sockets, a set latency, answers of 1.7 kB. Run as a process, to cost us no core time.

`python -m tests.bench.upstream LATENCY` prints its port. A generation that was asked about before answers as before;
by its id every tenth is finished with four files, and the others are under way, so every first answer changes its row.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.wire import Connection

ANSWER_BYTES = 1700
_COUNT = "count"


def main() -> None:
    asyncio.run(_serve(float(sys.argv[1])))


async def _serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Exchange(loop, latency), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)  # until whoever started us is gone


class _Exchange(asyncio.Protocol):
    """One connection; requests have no body, so an empty line ends each."""

    asked = 0  # by all connections

    def __init__(self, loop: asyncio.AbstractEventLoop, latency: float) -> None:
        self._loop = loop
        self._latency = latency
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, self._received = self._received.split(b"\r\n\r\n", 1)
            task_id = head.split(b" ", 2)[1].rsplit(b"/", 1)[-1].decode()
            if task_id == _COUNT:
                self._transport.write(_said({"asked": _Exchange.asked}))
                continue
            _Exchange.asked += 1
            self._loop.call_later(self._latency, self._transport.write, answer(task_id))


def answer(task_id: str) -> bytes:
    document: dict[str, object] = {
        "id": task_id,
        "state": "dreaming",
        "prompt": "A paper lighthouse blinking above a calm sea of folded blue card.",
        "model": "ray-2",
        "created_at": "2026-11-22T10:15:00.325Z",
    }
    if task_id.endswith("7"):
        urls = {name: f"https://storage.example.invalid/{task_id}/{name}?X-Amz-Expires=3600" for name in _FILES}
        files = {name: {"url": url, "width": 1360, "height": 752} for name, url in urls.items()}
        document |= {"state": "completed", **files}
    document["note"] = "." * (ANSWER_BYTES - len(json.dumps(document)) - 12)
    return _said(document)


def asked(address: str) -> int:
    """How often it has been asked about generations."""
    host, _, port = address.rpartition("//")[2].partition(":")
    with Connection((host, int(port))) as connection:
        return int(json.loads(connection.get(f"/{_COUNT}")[1])["asked"])


def _said(document: dict[str, object]) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


_FILES = ("video_raw", "video", "thumbnail", "last_frame")


@contextmanager
def running(latency: float) -> Iterator[str]:
    """Start the process and give its address; it ends with the block, or with us."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.upstream", str(latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


if __name__ == "__main__":
    main()
