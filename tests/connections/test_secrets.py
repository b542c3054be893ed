"""A key goes to its own host and nowhere else: not into pages, logs, audit rows, the queue or error reports."""

from __future__ import annotations

import logging

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test import Client

from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection
from lumaboard.simulator import Simulator

SECRETS = ("sk-planted-secret-wrong-0000", "sk-planted-secret-fine-00000")


@pytest.mark.django_db
def test_a_planted_key_appears_nowhere(
    alice: Membership,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(alice.user)
    caplog.set_level(logging.DEBUG)
    base = f"/w/{alice.workspace.slug}/settings/connections/"
    seen: list[bytes] = []

    for key in SECRETS:
        for headers in ({}, {"HX-Request": "true"}):
            entered = {"kind": "simulator", "key": key, "base_url": simulator.url, "pace_factor": "1.0"}
            seen.append(client.post(f"{base}add/", entered | {"anyway": "1"}, headers=headers).content)
            seen.append(client.post(f"{base}add/", entered | {"pace_factor": "7"}, headers=headers).content)
            pk = Connection.objects.latest("pk").pk
            again = {"key": key, "base_url": "https://10.0.0.1"}
            seen.append(client.post(f"{base}{pk}/replace-key/", again, headers=headers).content)
            seen.append(client.post(f"{base}{pk}/test/", headers=headers).content)
    seen += [client.get(url).content for url in (base, f"{base}add/", f"{base}{pk}/replace-key/", "/nowhere/")]

    call_command("dumpdata", "--natural-foreign")
    everything = b"".join(seen).decode() + caplog.text + str(list(AuditEvent.objects.values()))
    everything += "".join(capsys.readouterr()) + "".join(_stored_text())
    for key in SECRETS:
        assert key not in everything
    assert AuditEvent.objects.filter(verb="connection.added").count() == 4
    assert Connection.objects.count() == 4


def _stored_text() -> list[str]:
    """Every value of every table, as text."""
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [repr(bytes(v)) if isinstance(v, bytes | memoryview) else str(v) for row in cursor for v in row]
    return found
