"""Change a workspace's ways upstream; each act and its audit row are one transaction, and none goes over the network.

A connection that was removed meanwhile stays as it is: acting on it does nothing and is not recorded.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from lumaboard.accounts.access import Member
from lumaboard.audit.operations import record
from lumaboard.connections.checks import Finding, Verdict
from lumaboard.connections.keys import seal
from lumaboard.connections.models import Connection, Kind, PauseReason

_ASKED_AGAIN: dict[str, Any] = {
    "pause_reason": "",
    "paused_at": None,
    "refused_count": 0,
    "refused_at": None,
    "next_probe_at": None,
}


def add(
    member: Member, *, name: str, kind: str, base_url: str, key: str, pace_factor: float = 1.0, now: datetime
) -> Connection:
    """Keep a key for this workspace; without a name it is called after its provider."""
    with transaction.atomic():
        connection = Connection.objects.create(
            workspace=member.workspace,
            name=name or _free_name(member.workspace.pk, kind),
            kind=kind,
            base_url=base_url,
            pace_factor=pace_factor,
            created_at=now,
            calls_left_at=now,
            **_sealed(member.workspace.pk, base_url, key),
        )
        _note(member, connection, "connection.added", kind=kind, host=_host(base_url))
    return connection


def rename(member: Member, connection: Connection, *, name: str, pace_factor: float) -> None:
    """Change what a connection is called and how often it is asked."""
    _change(
        member,
        connection,
        "connection.changed",
        {"name": name, "pace_factor": pace_factor},
        old_name=connection.name,
        name=name,
        pace=str(pace_factor),
    )


def replace_key(member: Member, connection: Connection, *, base_url: str, key: str) -> None:
    """Keep another key, perhaps for another address; a connection that was paused is asked again.

    What waits is due already, so it is taken up by itself. The old key is gone for good.
    """
    _change(
        member,
        connection,
        "connection.key_replaced",
        {
            "base_url": base_url,
            **_sealed(member.workspace.pk, base_url, key),
            **_ASKED_AGAIN,
            "blocked_until": None,
            "is_out_of_credit": False,
            "looks_like_wrong_account": False,
            "error_kind": "",
            "error_text": "",
            "error_at": None,
            "balance_amount": None,
            "balance_unit": "",
            "balance_at": None,
        },
        host=_host(base_url),
    )


def pause(member: Member, connection: Connection, *, now: datetime) -> None:
    """Stop asking until somebody resumes it."""
    _change(member, connection, "connection.paused", {"pause_reason": PauseReason.PERSON, "paused_at": now})


def resume(member: Member, connection: Connection) -> None:
    """Ask again, whoever or whatever paused it."""
    _change(member, connection, "connection.resumed", _ASKED_AGAIN)


def remove(member: Member, connection: Connection, *, now: datetime) -> None:
    """Forget the key and stop asking; generations and files stay. There is no way back."""
    _change(member, connection, "connection.removed", {"key_box": b"", "key_last4": "", "removed_at": now})


def note_check(connection: Connection, finding: Finding, *, now: datetime, tester: Member | None = None) -> None:
    """Keep what a check found on the row; a key that was refused and works now is asked again.

    `tester` is who asked for nothing but the check, which is then recorded; else it belongs to another act.

    Nothing is paused here: one try by a person is not the second refusal in a row that pauses a key.
    """
    changes: dict[str, Any] = {"asked_at": now, "answer_seconds": finding.seconds}
    if finding.is_fine:
        changes |= {"answered_at": now, "error_kind": "", "error_text": "", "error_at": None}
    else:
        text = finding.title if finding.verdict is Verdict.KEY_UNREADABLE else finding.said
        changes |= {"error_kind": finding.error_kind[:30], "error_text": text[:400], "error_at": now}
    if finding.is_usable:
        changes["is_out_of_credit"] = finding.verdict is Verdict.OUT_OF_CREDIT
    if finding.balance is not None:
        changes |= {
            "balance_amount": finding.balance.amount,
            "balance_unit": finding.balance.unit[:10],
            "balance_at": now,
        }
    present = Connection.objects.present().filter(pk=connection.pk)
    with transaction.atomic():
        if present.update(**changes) and tester is not None:
            _note(tester, connection, "connection.tested")
        if finding.is_fine:
            refused = present.exclude(pause_reason="").exclude(pause_reason=PauseReason.PERSON)
            if refused.exists():
                record(
                    "connection.resumed",
                    workspace_id=connection.workspace_id,
                    actor_id=None,
                    target=connection,
                    reason="key accepted",
                )
            present.exclude(pause_reason=PauseReason.PERSON).update(**_ASKED_AGAIN)
    connection.refresh_from_db()


def _change(member: Member, connection: Connection, verb: str, changes: dict[str, Any], **detail: str) -> None:
    rows = Connection.objects.present().filter(pk=connection.pk, workspace=member.workspace)
    with transaction.atomic():
        if rows.update(**changes):
            _note(member, connection, verb, **detail)
    connection.refresh_from_db()


def _note(member: Member, connection: Connection, verb: str, **detail: str) -> None:
    record(verb, workspace_id=member.workspace.pk, actor_id=member.user.pk, target=connection, **detail)


def _sealed(workspace_id: int, base_url: str, key: str) -> dict[str, Any]:
    """The last four characters of a very short key would be most of it, so they are kept of real keys only."""
    key = key.strip()
    return {
        "key_box": seal(key, workspace_id=workspace_id, base_url=base_url),
        "key_last4": key[-4:] if len(key) >= 12 else "",
    }


def _host(base_url: str) -> str:
    return urlsplit(base_url).netloc


def _free_name(workspace_id: int, kind: str) -> str:
    label = str(Kind(kind).label)
    taken = set(Connection.objects.present().filter(workspace_id=workspace_id).values_list("name", flat=True))
    names = [label, *(f"{label} {number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
