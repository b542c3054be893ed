"""A provider on a real socket that refuses some keys, and addresses where things go wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lumaboard.simulator import Simulator
from lumaboard.simulator.clips import ClipStyle


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """Its answers depend on the key: "wrong", "empty" and "html" in it do what they say."""
    with Simulator(data_dir=tmp_path, style=ClipStyle(short_side=96, fps=8, max_seconds=1.0)) as running:
        yield running


@pytest.fixture
def closed_url() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"
