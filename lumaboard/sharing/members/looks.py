"""How a workspace's share pages look: its accent colour, and its logo, which is drawn anew before it is kept."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files import File

from lumaboard.accounts.access import Member
from lumaboard.audit.operations import record
from lumaboard.media import worker
from lumaboard.sharing.models import Logo
from lumaboard.sharing.policies import changing_policy


def change_look(member: Member, *, accent: str, logo: Logo | None, removes_logo: bool) -> None:
    """Save the accent colour, and the logo where there is a new one or none is wanted. Raises `PermissionDenied`."""
    with changing_policy(member) as policy:
        policy.accent = accent
        if logo is not None or removes_logo:
            Logo.objects.filter(workspace=member.workspace).delete()
        if logo is not None:
            logo.workspace = member.workspace
            logo.save()
        record("sharing.look_changed", workspace_id=member.workspace.pk, actor_id=member.user.pk)


def change_sites(member: Member, sites: list[str]) -> None:
    """Save which sites may show share pages in a frame. Raises `PermissionDenied`."""
    with changing_policy(member) as policy:
        policy.embed_sites = sites
        record(
            "sharing.sites_changed", workspace_id=member.workspace.pk, actor_id=member.user.pk, site_count=len(sites)
        )


def draw_logo(upload: File[bytes]) -> Logo:
    """Draw an uploaded picture anew, small, in the media process; raises a `MediaError` for what is none. Takes a second."""
    with TemporaryDirectory() as folder:
        raw, out_dir = Path(folder) / "raw", Path(folder) / "out"
        out_dir.mkdir()
        with raw.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        drawn = worker.draw_logo(raw, out_dir=out_dir)
        png = drawn.path.read_bytes()
    return Logo(png=png, sha256=sha256(png).hexdigest(), width=drawn.width, height=drawn.height)
