"""What every test of copying needs: a media host, a storage of its own, clips, and a generation that has just succeeded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import Asset, AssetRole, CopyState, Generation, State
from tests.archive.media_host import MediaHost, running_host
from tests.factories import make_asset, make_connection, make_generation
from tests.media.samples import encoded, make_video, moving, quarters

MakeCopy = Callable[..., Asset]


@pytest.fixture
def media_root(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DISK_RESERVE = 0
    return tmp_path / "media"


@pytest.fixture
def host() -> Iterator[MediaHost]:
    with running_host() as host:
        yield host


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole MP4."""
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


@pytest.fixture(scope="session")
def other_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_video(tmp_path_factory.mktemp("clip") / "other.mp4", moving(80, 48, 12)).read_bytes()


@pytest.fixture(scope="session")
def still() -> bytes:
    return encoded(quarters(64, 48), "JPEG")


@pytest.fixture
def generation(transactional_db: None, alice: Membership, host: MediaHost, media_root: Path) -> Generation:
    """A generation of Alice's that has succeeded an hour ago; its upstream is the host."""
    connection = make_connection(alice.workspace, base_url=host.base_url)
    settled_at = timezone.now() - timedelta(hours=1)
    return make_generation(connection, state=State.SUCCEEDED, created_by=alice.user, settled_at=settled_at)


@pytest.fixture
def wanted(generation: Generation) -> MakeCopy:
    """Make an asset that is due now, with links to these addresses."""

    def make(*urls: str, of: Generation = generation, role: str = AssetRole.RAW, **fields: object) -> Asset:
        ends: datetime | None = fields.get("expires_at")  # type: ignore[assignment]
        links = [{"url": url, "expires_at": ends.isoformat() if ends else None} for url in urls]
        fields.setdefault("next_copy_at", timezone.now())
        return make_asset(of, role=role, links=links, copy_state=CopyState.WANTED, **fields)

    return make


def make_due(asset: Asset) -> None:
    """Let the pause before the next try, or the lease of a killed worker, be over."""
    Asset.objects.filter(pk=asset.pk).update(next_copy_at=timezone.now() - timedelta(seconds=1))
