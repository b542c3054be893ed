"""Whole installations for tests of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.installation import Installation, fresh_database


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation that was never started."""
    with fresh_database() as url:
        yield Installation(tmp_path / "data", url)


@pytest.fixture
def other_installation(tmp_path: Path) -> Iterator[Installation]:
    """Another one, as if on another machine."""
    with fresh_database() as url:
        yield Installation(tmp_path / "elsewhere" / "data", url)
