"""Programs that poll: what they are told, where it comes from, and what it costs upstream."""

from __future__ import annotations

import json
import socket
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection as database
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.generations.models import Act, Generation, RawAnswer, State
from tests.factories import make_generation, make_member
from tests.outbound.scripted import Script, answer, saying
from tests.proxy.conftest import MakeProgram, Program, refusing_rows_in
from tests.submission.conftest import Serve, connection_at, created, hanging_up, saying_json

DONE = {"state": "completed", "assets": {"video": "https://media.example/film.mp4"}}
JSON = "Content-Type: application/json\r\n"


def pretty(task_id: str, **fields: Any) -> bytes:
    """A document in a form that no program of ours would write it in."""
    return json.dumps(created(task_id, **fields), indent=3, sort_keys=True).encode()


def saying_bytes(body: bytes, status: str = "200 OK") -> Script:
    return saying(answer(body, status=status, headers=JSON))


def slowly(script: Script, seconds: float) -> Script:
    def slow(connection: socket.socket, request: bytes) -> None:
        threading.Event().wait(seconds)
        script(connection, request)

    return slow


def source_of(response: HttpResponse) -> str:
    return response.headers["X-Lumaboard-Source"].partition(";")[0]


def known(connection: Connection, body: bytes, *, state: str = State.RUNNING, **fields: Any) -> Generation:
    """A generation that was asked about a second ago, and what upstream said then."""
    now = timezone.now()
    if state == State.RUNNING:
        fields = {"next_refresh_at": now + timedelta(seconds=3)} | fields
    generation = make_generation(connection, state=state, created_at=now, asked_at=now - timedelta(seconds=1), **fields)
    RawAnswer.objects.create(generation=generation, body=body.decode(), received_at=now - timedelta(seconds=30))
    return generation


def test_what_is_settled_is_told_from_the_record_byte_by_byte(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(saying_bytes(pretty("done-1", **DONE)))
    connection_at(alice, upstream.url)
    first, second = program.ask("/generations/done-1"), program.ask("/generations/done-1")
    assert [source_of(first), source_of(second)] == ["upstream", "record"]
    assert first.content == second.content == pretty("done-1", **DONE)
    assert first.headers["Content-Type"] == second.headers["Content-Type"] == "application/json"
    assert len(upstream.requests) == 1
    row = Generation.objects.get()
    assert (row.state, row.created_by, row.act) == (State.SUCCEEDED, alice.user, Act.TRACKED)


def test_what_is_watched_costs_upstream_nothing(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_bytes(b"{}"))
    row = known(connection_at(alice, upstream.url), pretty("running-1", state="dreaming"), task_id="running-1")
    for _ in range(10):
        response = program.ask(f"/generations/{row.task_id}")
        assert response.content == pretty("running-1", state="dreaming")
        assert response.headers["X-Lumaboard-Source"] == "record; age=1"
    assert not upstream.requests


def test_a_program_can_ask_for_a_real_answer(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_bytes(pretty("running-1", **DONE)))
    row = known(connection_at(alice, upstream.url), pretty("running-1", state="dreaming"), task_id="running-1")
    response = program.ask("/generations/running-1", headers={"Cache-Control": "no-cache"})
    assert (source_of(response), response.content) == ("upstream", pretty("running-1", **DONE))
    row.refresh_from_db()
    assert row.state == State.SUCCEEDED
    assert row.raw_answer.body.encode() == response.content
    program.ask("/generations/running-1", headers={"Cache-Control": "no-cache"})
    assert len(upstream.requests) == 2


@pytest.mark.django_db(transaction=True)  # the server ends connections between requests
def test_news_is_written_before_the_answer_goes_out_and_the_rest_afterwards(
    alice: Membership, program: Program, serve: Serve
) -> None:
    said = iter([pretty("running-1", state="dreaming")] * 2 + [pretty("running-1", **DONE)])
    upstream = serve(lambda connection, request: saying_bytes(next(said))(connection, request))
    row = known(connection_at(alice, upstream.url), b"{}", task_id="running-1")

    for state_then, lease_is_held_then in (("running", False), ("running", True), ("succeeded", False)):
        environ = (
            RequestFactory()
            .get("/dream-machine/v1/generations/running-1", headers=program.headers | {"Cache-Control": "no-cache"})
            .environ
        )
        answer = WSGIHandler()(environ, lambda *_said: None)
        assert b"".join(answer)
        row.refresh_from_db()
        assert (row.state, bool(row.lease)) == (state_then, lease_is_held_then)
        answer.close()
        row.refresh_from_db()
        assert row.lease == ""


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(hours=30)])
def test_a_real_answer_can_be_had_as_often_as_one_asks(
    alice: Membership, program: Program, serve: Serve, age: timedelta
) -> None:
    body = pretty("running-1", state="dreaming")
    upstream = serve(saying_bytes(body))
    row = known(connection_at(alice, upstream.url), b"{}", task_id="running-1")
    Generation.objects.update(created_at=timezone.now() - age)
    for _time in range(3):
        response = program.ask("/generations/running-1", headers={"Cache-Control": "no-cache"})
        assert (response.status_code, source_of(response)) == (200, "upstream")
    assert len(upstream.requests) == 3
    row.refresh_from_db()
    assert row.lease == ""


def test_a_lease_that_the_engine_kept_after_no_news_keeps_nobody_waiting(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(saying_bytes(pretty("running-1", state="dreaming")))
    now = timezone.now()
    row = known(connection_at(alice, upstream.url), b"{}", task_id="running-1", lease="the engine's")
    Generation.objects.filter(pk=row.pk).update(
        asked_at=now - timedelta(seconds=4), next_refresh_at=now + timedelta(minutes=9)
    )
    response = program.ask("/generations/running-1", headers={"Cache-Control": "no-cache"})
    assert (response.status_code, len(upstream.requests)) == (200, 1)


def test_links_that_have_died_are_asked_for_again_once(alice: Membership, program: Program, serve: Serve) -> None:
    def signed(at: str) -> bytes:
        link = f"https://media.example/film.mp4?X-Amz-Date={at}&X-Amz-Expires=3600&X-Amz-Signature=00"
        return pretty("done-1", state="completed", assets={"video": link})

    alive = timezone.now().strftime("%Y%m%dT%H%M%SZ")
    upstream = serve(saying_bytes(signed(alive)))
    known(connection_at(alice, upstream.url), signed("20241015T085653Z"), state=State.SUCCEEDED, task_id="done-1")
    for source in ("upstream", "record"):
        response = program.ask("/generations/done-1")
        assert (source_of(response), response.content) == (source, signed(alive))
    assert len(upstream.requests) == 1


def test_an_engine_that_is_late_is_stood_in_for(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_bytes(pretty("running-1", state="dreaming")))
    late = timezone.now() - timedelta(minutes=1)
    row = known(
        connection_at(alice, upstream.url), b"{}", task_id="running-1", next_refresh_at=late, upstream_state="dreaming"
    )
    Generation.objects.update(asked_at=late)
    assert source_of(program.ask("/generations/running-1")) == "upstream"
    assert source_of(program.ask("/generations/running-1")) == "record"
    row.refresh_from_db()
    assert row.next_refresh_at is not None
    assert row.next_refresh_at > timezone.now()
    assert row.lease == ""


@pytest.mark.django_db(transaction=True)
def test_a_crowd_costs_upstream_one_request(alice: Membership, program: Program, serve: Serve) -> None:
    """Just created, so that there is nothing in the record yet, and all of them ask at once."""
    upstream = serve(slowly(saying_bytes(pretty("young-1", state="dreaming")), 0.5))
    make_generation(connection_at(alice, upstream.url), task_id="young-1", created_at=timezone.now())
    answers: list[HttpResponse] = []
    together = threading.Barrier(10)

    def ask() -> None:
        together.wait(10)
        answers.append(program.ask("/generations/young-1"))
        database.close()

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {one.content for one in answers} == {pretty("young-1", state="dreaming")}
    assert len(upstream.requests) == 1


def test_what_goes_wrong_upstream_comes_back_as_it_is_and_is_noted(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(saying(answer(b"<html>down</html>", status="502 Bad", headers="Content-Type: text/html\r\n")))
    row = make_generation(connection_at(alice, upstream.url), task_id="young-1", created_at=timezone.now())
    response = program.ask("/generations/young-1")
    assert (response.status_code, response.content) == (502, b"<html>down</html>")
    assert response.headers["Content-Type"] == "text/html"
    row.refresh_from_db()
    assert (row.state, row.attempts, row.lease) == (State.QUEUED, 1, "")


def test_an_upstream_that_hangs_up_is_told_in_the_providers_shape(
    alice: Membership, program: Program, serve: Serve
) -> None:
    make_generation(connection_at(alice, serve(hanging_up).url), task_id="young-1", created_at=timezone.now())
    response = program.ask("/generations/young-1")
    assert response.status_code == 502
    assert list(response.json()) == ["detail"]


def test_a_limit_of_the_provider_holds_for_everybody_with_the_key(
    alice: Membership, program: Program, serve: Serve
) -> None:
    limited = answer(b'{"detail": "slow down"}', status="429 Slow", headers=f"{JSON}Retry-After: 30\r\n")
    upstream = serve(saying(limited))
    connection = connection_at(alice, upstream.url)
    assert program.ask("/generations").status_code == 429
    connection.refresh_from_db()
    assert connection.blocked_until is not None
    response = program.ask("/generations/any-1")
    assert response.status_code == 429
    assert 25 <= int(response.headers["Retry-After"]) <= 30
    assert len(upstream.requests) == 1


def test_the_budget_of_the_key_holds_for_programs_too(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_bytes(b"[]"))
    connection_at(alice, upstream.url)
    Connection.objects.update(calls_left=1, calls_left_at=timezone.now(), allowance_per_minute=6)
    statuses = [program.ask("/generations").status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert len(upstream.requests) == 1


def test_unknown_ids_are_what_upstream_says_and_are_not_tracked(
    alice: Membership, program: Program, serve: Serve
) -> None:
    connection_at(alice, serve(saying_json({"detail": "Generation not found"}, "404 Not Found")).url)
    assert program.ask("/generations/nobodys").status_code == 404
    assert not Generation.objects.exists()


def test_a_token_for_reading_alone_changes_nothing(alice: Membership, program_of: MakeProgram, serve: Serve) -> None:
    connection_at(alice, serve(saying_bytes(pretty("done-1", **DONE))).url)
    assert program_of(alice, "read").ask("/generations/done-1").status_code == 200
    assert not Generation.objects.exists()


def test_what_a_colleague_keeps_private_is_not_there(
    alice: Membership, program: Program, program_of: MakeProgram, serve: Serve
) -> None:
    upstream = serve(saying_bytes(pretty("hidden-1", **DONE)))
    dora = make_member("Dora", workspace=alice.workspace)
    connection = connection_at(alice, upstream.url)
    known(connection, pretty("hidden-1"), task_id="hidden-1", created_by=dora.user, is_private=True)
    for method in ("GET", "DELETE"):
        response = program.ask("/generations/hidden-1", method, headers={"Cache-Control": "no-cache"})
        assert (response.status_code, response.json()) == (404, {"detail": "Generation not found"})
    assert program.ask("/generations/hidden-1/more").status_code == 404
    assert not upstream.requests
    assert program_of(dora).ask("/generations/hidden-1").status_code == 200


def test_another_workspace_has_its_own_record(
    alice: Membership, charlie: Membership, program: Program, program_of: MakeProgram, serve: Serve
) -> None:
    upstream = serve(saying_json({"detail": "Generation not found"}, "404 Not Found"))
    known(connection_at(alice, upstream.url), pretty("ours-1", **DONE), state=State.SUCCEEDED, task_id="ours-1")
    connection_at(charlie, upstream.url)
    assert program.ask("/generations/ours-1").status_code == 200
    assert program_of(charlie).ask("/generations/ours-1").status_code == 404


def test_the_list_goes_on_as_it_is_but_for_the_private_work_of_colleagues(
    alice: Membership, program: Program, program_of: MakeProgram, serve: Serve
) -> None:
    dora = make_member("Dora", workspace=alice.workspace)
    page = {"generations": [created("ours-1"), created("hidden-1")], "count": 2, "limit": 100, "offset": 0}
    body = json.dumps(page, indent=2).encode()
    upstream = serve(saying_bytes(body))
    connection = connection_at(alice, upstream.url)
    assert program.ask("/generations?limit=100&offset=0").content == body
    assert b"GET /dream-machine/v1/generations?limit=100&offset=0 HTTP/1.1" in upstream.requests[0]
    make_generation(connection, task_id="hidden-1", created_by=dora.user, is_private=True)
    assert [one["id"] for one in program.ask("/generations").json()["generations"]] == ["ours-1"]
    assert program_of(dora).ask("/generations").content == body


@pytest.mark.parametrize("beside", ["NaN", f"{'[' * 90}{']' * 90}"], ids=["no number", "deep"])
def test_what_cannot_be_stored_shows_no_private_work_either(
    alice: Membership, program: Program, serve: Serve, beside: str
) -> None:
    page = {"generations": [created("ours-1"), created("hidden-1")], "beside": "?"}
    upstream = serve(saying_bytes(json.dumps(page).replace('"?"', beside).encode()))
    dora = make_member("Dora", workspace=alice.workspace)
    make_generation(connection_at(alice, upstream.url), task_id="hidden-1", created_by=dora.user, is_private=True)
    response = program.ask("/generations")
    assert response.status_code in (200, 404)
    assert b"hidden-1" not in response.content


def test_a_connection_that_is_paused_says_so_where_it_would_have_to_be_asked(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(saying_bytes(b"{}"))
    connection = connection_at(alice, upstream.url, name="Main")
    known(connection, pretty("done-1", **DONE), state=State.SUCCEEDED, task_id="done-1")
    known(connection, pretty("running-1"), task_id="running-1")
    Connection.objects.update(pause_reason=PauseReason.PERSON, paused_at=timezone.now())
    assert program.ask("/generations/done-1").status_code == 200
    for path in ("/generations/running-1", "/generations/other", "/generations", "/credits"):
        response = program.ask(path)
        assert (response.status_code, "“Main” is paused" in response.json()["detail"]) == (503, True)
    assert not upstream.requests


@pytest.mark.django_db(transaction=True)
def test_the_answer_comes_although_it_cannot_be_recorded(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_bytes(pretty("young-1", **DONE)))
    make_generation(connection_at(alice, upstream.url), task_id="young-1", created_at=timezone.now())
    with refusing_rows_in("generations_rawanswer"):
        response = program.ask("/generations/young-1")
    assert (response.status_code, response.content) == (200, pretty("young-1", **DONE))
    assert Generation.objects.get().state == State.QUEUED


@pytest.mark.parametrize(
    "path", ["/ping", "/credits", "/generations/concepts/list", "/generations/camera_motion/list", "/new/thing"]
)
def test_other_paths_go_on_as_they_are(alice: Membership, program: Program, serve: Serve, path: str) -> None:
    upstream = serve(saying_bytes(b'  ["dolly_zoom",  1.0]\n', "203 Odd"))
    connection_at(alice, upstream.url)
    response = program.ask(f"{path}?a=1&b=%20x")
    assert (response.status_code, response.content) == (203, b'  ["dolly_zoom",  1.0]\n')
    assert upstream.requests[0].startswith(f"GET /dream-machine/v1{path}?a=1&b=%20x HTTP/1.1\r\n".encode())


def test_what_an_unknown_path_makes_is_tracked(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_bytes(pretty("made-1"), "201 Created"))
    connection_at(alice, upstream.url)
    assert program.ask("/generations/video/extend", "POST", b'{"a":  1}').content == pretty("made-1")
    assert upstream.requests[0].endswith(b'\r\n\r\n{"a":  1}')
    assert Generation.objects.get().task_id == "made-1"


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/generations/..",
        "/generations/%2e%2e/credits",
        "/generations/%252e%252e/credits",
        "/generations/a%2Fb%2f..%2fc",
        "/generations//x",
        "//evil.example/x",
        "/generations/x\\..\\y",
        "/generations/x%5c..",
        "/generations/x%0d%0aHost:%20evil",
        "/generations/x%00",
        "/generations/x%23y",
        "/generations/x%3Fy",
        "/generations/%C3%A9",
        "/@evil.example%2f..",
        "/" + "x" * 2000,
        "/generations/",
    ],
)
def test_odd_paths_lead_nowhere(alice: Membership, program: Program, serve: Serve, path: str) -> None:
    upstream = serve(saying_bytes(b"{}"))
    connection_at(alice, upstream.url)
    for method in ("GET", "POST", "DELETE"):
        response = program.ask(path, method, b"{}" if method == "POST" else b"")
        assert (response.status_code, list(response.json())) == (404, ["detail"])
    assert not upstream.requests


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_not_passed_on(alice: Membership, program: Program, method: str) -> None:
    response = program.ask("/generations", method)
    assert (response.status_code, list(response.json())) == (405, ["detail"])
    assert "Access-Control-Allow-Origin" not in response.headers


def test_deleting_upstream_moves_the_record_to_the_trash(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying(answer(b"", status="204 No Content")))
    connection = connection_at(alice, upstream.url)
    settled = known(connection, b"{}", state=State.SUCCEEDED, task_id="done-1", created_by=alice.user)
    pending = known(connection, b"{}", task_id="running-1", created_by=alice.user)
    for row in (settled, pending):
        response = program.ask(f"/generations/{row.task_id}", "DELETE")
        assert (response.status_code, response.content) == (204, b"")
        row.refresh_from_db()
        assert row.trashed_at is not None
        assert row.next_refresh_at is None
    assert program.ask("/generations/untracked", "DELETE").status_code == 204
    told = AuditEvent.objects.filter(verb="delete_upstream", actor=alice.user).order_by("pk")
    assert [event.detail["task_id"] for event in told] == ["done-1", "running-1", "untracked"]
    assert upstream.requests[0].startswith(b"DELETE /dream-machine/v1/generations/done-1 HTTP/1.1")


def test_a_refused_deletion_changes_nothing(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(saying_json({"detail": "Generation not found"}, "404 Not Found"))
    row = known(connection_at(alice, upstream.url), b"{}", state=State.SUCCEEDED, created_by=alice.user)
    assert program.ask(f"/generations/{row.task_id}", "DELETE").status_code == 404
    row.refresh_from_db()
    assert row.trashed_at is None


def test_others_work_is_deleted_by_admins_alone(
    alice: Membership, program: Program, program_of: MakeProgram, serve: Serve
) -> None:
    upstream = serve(saying(answer(b"", status="204 No Content")))
    dora = make_member("Dora", workspace=alice.workspace)
    row = known(connection_at(alice, upstream.url), b"{}", state=State.SUCCEEDED, created_by=dora.user)
    assert program.ask(f"/generations/{row.task_id}", "DELETE").status_code == 403
    assert not upstream.requests
    assert program_of(alice, "submit", "admin").ask(f"/generations/{row.task_id}", "DELETE").status_code == 204


def test_an_answer_from_the_record_costs_a_handful_of_queries(
    alice: Membership, program: Program, serve: Serve, django_assert_num_queries: Any
) -> None:
    known(connection_at(alice, serve(saying_bytes(b"{}")).url), pretty("running-1"), task_id="running-1")
    program.ask("/generations/running-1")
    with django_assert_num_queries(3):  # who asks, the row with its connection, the document
        program.ask("/generations/running-1")
