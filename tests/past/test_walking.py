"""The past comes in whole and once, whatever the list, the provider and the worker do meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection as database
from django.db import connections as databases
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.clients import client_for
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.generations.models import Generation
from lumaboard.news.hooks import callbacks
from lumaboard.news.models import Event
from lumaboard.ops.audited import untold_generations
from lumaboard.ops.invariants import counts_are_right
from lumaboard.past import operations
from lumaboard.past.models import Met, Walk
from lumaboard.past.operations import NotPossible, bring_in, look
from lumaboard.refresh.engine import Engine
from lumaboard.simulator import ClipStyle, Simulator
from tests.archive.test_killed import database_url
from tests.factories import NOW, make_connection, make_generation, make_intent, make_member
from tests.outbound.scripted import Script, ScriptedServer, answer, saying
from tests.past.conftest import BEGUN, Provider, entry, id_of, walk_on

pytestmark = pytest.mark.django_db


def begin(alice: Membership, connection: Connection, *, is_private: bool = False) -> Walk:
    return bring_in(connection, is_private=is_private, actor_id=alice.user_id, now=timezone.now())


def found() -> set[str]:
    return set(Generation.objects.values_list("task_id", flat=True))


def everything(provider: Provider) -> set[str]:
    return {one["id"] for one in provider.entries}


def test_a_look_counts_and_shows_and_brings_nothing_in(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    make_generation(connection, task_id=id_of(7))
    look(connection, actor_id=alice.user_id, now=timezone.now())
    walk = walk_on()
    assert (walk.state, walk.total, walk.new_count, walk.known_count) == ("done", 250, 249, 1)
    assert (walk.oldest_at, walk.newest_at) == (BEGUN, BEGUN + timedelta(minutes=249))
    assert [one["prompt"] for one in walk.sample] == [f"Harbour number {number}" for number in range(249, 243, -1)]
    assert found() == {id_of(7)}
    assert not Met.objects.exists()


def test_all_of_it_comes_in_with_what_is_known_and_at_its_day(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    make_generation(connection, task_id=id_of(7), created_by=alice.user)
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.new_count, walk.known_count) == ("done", 249, 1)
    assert found() == everything(provider)
    row = Generation.objects.get(task_id=id_of(100))
    assert (row.prompt, row.model, row.aspect_ratio) == ("Harbour number 100", "ray-2", "16:9")
    assert row.created_at == row.upstream_created_at == BEGUN + timedelta(minutes=100)
    assert (row.state, row.created_by, row.is_private) == ("queued", alice.user, False)
    assert row.next_refresh_at is not None
    newest = Generation.objects.exclude(task_id=id_of(7)).newest_first().values_list("task_id", flat=True)
    assert list(newest) == sorted(newest, reverse=True)
    assert list(counts_are_right(timezone.now())) == []
    told = AuditEvent.objects.filter(verb="past.brought_in", actor=alice.user)
    assert sum(event.detail["generation_count"] for event in told) == 249
    assert [line.partition("has ")[2] for line in untold_generations()] == ["250 generations, but 249 were tracked"]


def test_what_was_made_with_a_callback_comes_in_with_the_programs_own_address(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    theirs = "https://their.example/done"
    callback = callbacks.begin(alice.workspace_id, theirs, created_by_id=alice.user_id, now=NOW)
    ours = json.loads(callbacks.with_ours('{"callback_url": "?"}', callback))
    provider.entries[:] = [entry(1, request={"prompt": "Harbour"} | ours)]
    begin(alice, connection)
    walk_on()
    assert Generation.objects.get().request == {"prompt": "Harbour", "callback_url": theirs}


def test_a_second_time_brings_nothing_in(alice: Membership, connection: Connection) -> None:
    begin(alice, connection)
    walk_on()
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.new_count, walk.known_count) == ("done", 0, 250)
    assert Generation.objects.count() == 250


def test_what_is_only_for_me_is_seen_by_nobody_else_and_the_sample_is_forgotten(
    alice: Membership, connection: Connection
) -> None:
    look(connection, actor_id=alice.user_id, now=timezone.now())
    walk_on()
    begin(alice, connection, is_private=True)
    walk_on()
    assert not Generation.objects.filter(is_private=False).exists()
    assert list(Walk.objects.values_list("sample", flat=True)) == [[], []]
    readers = AuditEvent.objects.filter(verb="past.brought_in").values_list("audience", flat=True).distinct()
    assert list(readers) == [f"person:{alice.user_id}"]


def test_what_is_made_meanwhile_comes_in_too(alice: Membership, connection: Connection, provider: Provider) -> None:
    provider.before_page = [lambda: None, lambda: provider.make(*range(300, 430)), lambda: provider.make(500)]
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.new_count) == ("done", 381)
    assert found() == everything(provider)


def test_what_is_deleted_meanwhile_makes_it_miss_nothing(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    def delete_sixty() -> None:
        del provider.entries[10:70]

    provider.before_page = [lambda: None, delete_sixty]
    begin(alice, connection)
    assert walk_on().state == "done"
    assert everything(provider) <= found()
    assert provider.offsets[:3] == [0, 90, 0], "it stepped back"


def test_a_list_that_is_emptied_meanwhile_ends_the_walk(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    provider.before_page = [lambda: None, provider.entries.clear]
    begin(alice, connection)
    assert walk_on().state == "done"
    assert len(found()) == 100


def test_ids_that_come_twice_count_once_and_entries_without_an_id_are_counted(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    provider.entries[3:3] = [entry(9), entry(9), {"state": "completed"}, "nonsense", entry(1, id=None)]
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.new_count, walk.known_count, walk.unreadable_count) == ("done", 250, 0, 3)


def test_a_list_without_an_end_is_given_up(alice: Membership, connection: Connection, provider: Provider) -> None:
    page = {"generations": provider.entries[:20], "has_more": True}
    provider.scripts = [saying(answer(json.dumps(page).encode()))] * 100
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.new_count) == ("failed", 20)
    assert "repeats itself" in walk.error_text


@pytest.mark.parametrize(
    "trouble",
    [
        saying(answer(b'{"detail": "later"}', status="500 Oops")),
        saying(answer(b"<html><body>Maintenance</body></html>", headers="Content-Type: text/html\r\n")),
        saying(answer(b'{"generations": [{"id": "made-')),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{", then_close=True),
    ],
    ids=["500", "HTML", "half a document", "cut"],
)
def test_it_goes_on_after_trouble(
    alice: Membership, connection: Connection, provider: Provider, trouble: Script
) -> None:
    provider.scripts = [provider.page, trouble]
    begin(alice, connection)
    assert walk_on(turns=2).state == "walking"
    for minutes in (1, 2):
        walk = walk_on(minutes=minutes)
    assert (walk.state, walk.error_text) == ("done", "")
    assert found() == everything(provider)


def test_it_waits_as_long_as_upstream_says(alice: Membership, connection: Connection, provider: Provider) -> None:
    provider.scripts = [saying(answer(b"{}", status="429 Slow down", headers="Retry-After: 90\r\n"))]
    begin(alice, connection)
    walk_on()
    connection.refresh_from_db()
    assert connection.blocked_until is not None
    assert walk_on(seconds=60).met_count == 0
    assert provider.offsets == []
    assert walk_on(seconds=120).state == "done"


def test_trouble_without_end_ends_it_and_says_why(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    provider.scripts = [saying(answer(b'{"detail": "no luck today"}', status="500 Oops"))] * 50
    begin(alice, connection)
    for number in range(20):
        walk = walk_on(minutes=15 * number)
    assert walk.state == "failed"
    assert "no luck today" in walk.error_text


def test_a_provider_that_has_no_list_after_all_ends_it(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    provider.scripts = [saying(answer(b'{"detail": "Not Found"}', status="404 Not Found"))]
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.error_text) == ("failed", "This provider has no list of generations.")


def test_a_key_that_is_refused_pauses_the_connection_and_the_walk_waits_for_another(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    provider.scripts = [saying(answer(b'{"detail": "Invalid key"}', status="401 Unauthorized"))] * 2
    begin(alice, connection)
    walk_on()
    walk_on(seconds=30)
    connection.refresh_from_db()
    assert connection.pause_reason == PauseReason.KEY_REFUSED
    assert walk_on(minutes=5).state == "walking"
    assert provider.offsets == []
    Connection.objects.update(pause_reason="", paused_at=None)
    assert walk_on(minutes=10).state == "done"


def test_a_paused_connection_is_not_asked(alice: Membership, connection: Connection, server: ScriptedServer) -> None:
    Connection.objects.update(pause_reason=PauseReason.PERSON, paused_at=timezone.now())
    begin(alice, connection)
    assert walk_on().state == "walking"
    assert server.requests == []


def test_it_keeps_to_the_budget_of_the_key(alice: Membership, connection: Connection, server: ScriptedServer) -> None:
    Connection.objects.update(allowance_per_minute=6, calls_left=2, calls_left_at=timezone.now())
    begin(alice, connection)
    assert walk_on(turns=1).state == "walking"
    assert len(server.requests) <= 2


def test_it_waits_while_much_is_due_so_that_what_is_being_made_comes_first(
    alice: Membership, connection: Connection
) -> None:
    begin(alice, connection)
    assert walk_on(turns=1).new_count == 100
    assert walk_on(turns=1, seconds=2).new_count == 100
    Generation.objects.update(next_refresh_at=timezone.now() + timedelta(minutes=90))
    assert walk_on(turns=1, seconds=4).new_count == 190


def test_it_stops_when_the_connection_is_removed(alice: Membership, connection: Connection) -> None:
    begin(alice, connection)
    Connection.objects.update(removed_at=timezone.now(), key_box=b"", key_last4="")
    walk = walk_on()
    assert (walk.state, walk.error_text) == ("failed", "The connection was removed.")


def test_it_stops_when_whoever_began_it_may_not_any_more(
    alice: Membership, connection: Connection, server: ScriptedServer
) -> None:
    dana = make_member("Dana", role=Role.ADMIN, workspace=alice.workspace)
    begin(dana, connection)
    dana.role = Role.MEMBER
    dana.save()
    assert walk_on().state == "failed"
    assert server.requests == []


def test_of_a_connection_one_walk_is_under_way_at_a_time(alice: Membership, connection: Connection) -> None:
    begin(alice, connection)
    with pytest.raises(NotPossible):
        look(connection, actor_id=alice.user_id, now=timezone.now())
    assert operations.cancel(connection, actor_id=alice.user_id, now=timezone.now())
    assert not operations.cancel(connection, actor_id=alice.user_id, now=timezone.now())
    look(connection, actor_id=alice.user_id, now=timezone.now())
    assert [walk.state for walk in Walk.objects.order_by("pk")] == ["cancelled", "walking"]


@pytest.mark.django_db(transaction=True)
def test_what_is_stopped_in_the_middle_of_a_page_takes_nothing_more(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    def stop() -> None:
        assert operations.cancel(connection, actor_id=alice.user_id, now=timezone.now())
        databases.close_all()  # this is the server's thread

    begin(alice, connection)
    provider.before_page = [lambda: None, stop]
    walk = walk_on()
    assert (walk.state, walk.new_count) == ("cancelled", 100)
    assert len(found()) == 100


def test_what_a_request_on_its_way_may_have_made_is_left_to_it(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    provider.entries[0] = entry(249, created_at=NOW.isoformat())
    make_intent(connection, dana.user, state="sending", is_private=True)
    begin(alice, connection)
    walk = walk_on()
    assert (walk.state, walk.new_count, walk.awaited_count) == ("done", 249, 1)
    assert id_of(249) not in found()


def test_a_page_costs_as_many_queries_with_two_entries_as_with_twelve(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    counts = []
    begin(alice, connection)
    walk_on()  # what is read once
    for entries in ([entry(900), entry(901)], [entry(number) for number in range(800, 812)]):
        provider.entries = entries
        begin(alice, connection)
        with CaptureQueriesContext(database) as queries:
            walk_on()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_simulator_has_a_list_to_bring_in(alice: Membership, tmp_path: Path) -> None:
    with Simulator(data_dir=tmp_path, style=ClipStyle(short_side=64, fps=8, max_seconds=1)) as simulator:
        connection = make_connection(alice.workspace, base_url=simulator.url, allowance_per_minute=60_000)
        client = client_for(connection)
        made = [client.create("/generations", b'{"prompt": "Take %d"}' % number).task_id for number in range(120)]
        begin(alice, connection)
        walk = walk_on()
    assert (walk.state, walk.total, walk.new_count) == ("done", 120, 120)
    assert found() == set(made)
    assert Generation.objects.get(task_id=made[3]).prompt == "Take 3"


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_again_and_again_loses_and_repeats_nothing(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    begin(alice, connection)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "LUMABOARD_DATABASE_URL": database_url(),
        "LUMABOARD_ENCRYPTION_KEYS": " ".join(urlsafe_b64encode(key).decode() for key in settings.ENCRYPTION_KEYS),
    }
    for number in range(3):
        pages = len(provider.offsets)
        worker = subprocess.Popen([sys.executable, "-m", "tests.past.worker", str(number * 2)], env=environment)
        ends_at = time.monotonic() + 60
        while len(provider.offsets) == pages and worker.poll() is None and time.monotonic() < ends_at:
            time.sleep(0.005)
        assert worker.poll() is None
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    walk = walk_on(minutes=10)
    assert (walk.state, walk.new_count) == ("done", 250)
    assert found() == everything(provider)
    assert list(counts_are_right(timezone.now())) == []


def test_nobody_is_told_that_the_past_is_ready_but_of_what_was_still_being_made(
    alice: Membership, connection: Connection, provider: Provider
) -> None:
    provider.entries = [entry(2, state="dreaming", assets=None), entry(1)]
    begin(alice, connection)
    walk_on()
    Generation.objects.update(next_refresh_at=timezone.now())
    Engine(concurrency=2).run(seconds=5)
    assert sorted(Generation.objects.values_list("state", flat=True)) == ["running", "succeeded"]
    assert not Event.objects.exists()
    provider.entries[0] = entry(2)
    Generation.objects.pending().update(next_refresh_at=timezone.now())
    Engine(concurrency=2).run(seconds=5)
    assert [event.generation.task_id for event in Event.objects.all() if event.generation] == [id_of(2)]
