"""Every kind of answer upstream can give, over a real socket: what it does to the generation, to its key and to the host."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug import Request, Response

from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection, Host, PauseReason
from lumaboard.generations.models import Attention, CopyState, Generation, State
from tests.factories import NOW, make_connection, make_generation
from tests.ops.processes import until
from tests.refresh.conftest import Clock, Upstream, answer, completed, document

pytestmark = pytest.mark.django_db
Ask = Callable[[Generation], Generation]
NOT_FOUND = {"detail": "Not found"}


def running(connection: Connection, **fields: object) -> Generation:
    return make_generation(connection, state=State.RUNNING, **fields)  # type: ignore[arg-type]  # any column


def fresh(connection: Connection) -> Connection:
    connection.refresh_from_db()
    return connection


def test_an_answer_that_is_understood_is_applied_and_resets_the_counters(upstream: Upstream, ask: Ask) -> None:
    connection = upstream.connection(
        refused_count=1, refused_at=NOW, error_kind="auth_error", error_text="no", error_at=NOW, is_out_of_credit=True
    )
    generation = make_generation(connection, attempts=3, error_kind="transient_error", error_text="down")
    upstream.answers[generation.task_id] = answer(completed(generation.task_id))

    ask(generation)

    assert generation.state == State.SUCCEEDED
    assert generation.copy_state == CopyState.WANTED
    assert (generation.attempts, generation.error_kind, generation.error_text) == (0, "", "")
    assert (fresh(connection).refused_count, connection.error_kind, connection.is_out_of_credit) == (0, "", False)


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(answer("<html><body>Welcome</body></html>"), id="html"),
        pytest.param(answer('{"id": "x", "state": "comp'), id="cut"),
        pytest.param(answer({"id": "another-id", "state": "completed", "liked": None}), id="another id"),
        pytest.param(answer("[" * 5000 + "]" * 5000), id="too deep"),
        pytest.param(answer({"id": "x", "junk": "y" * 1_100_000}), id="too big"),
        pytest.param(answer("NaN"), id="NaN"),
    ],
)
def test_an_answer_that_makes_no_sense_changes_nothing_and_counts_against_the_host(
    upstream: Upstream, ask: Ask, nonsense: Response
) -> None:
    generation = running(upstream.connection())
    upstream.default = nonsense

    ask(generation)

    assert generation.state == State.RUNNING
    assert generation.error_kind
    assert generation.error_text
    assert Host.objects.get().failure_count == 1


def test_an_unknown_word_counts_as_running(upstream: Upstream, ask: Ask) -> None:
    generation = make_generation(upstream.connection())
    upstream.answers[generation.task_id] = answer(document(generation.task_id, "pondering"))

    ask(generation)

    assert (generation.state, generation.upstream_state) == (State.RUNNING, "pondering")


def test_succeeded_without_a_link_stays_pending_for_half_an_hour_and_then_needs_attention(
    upstream: Upstream, ask: Ask, clock: Clock
) -> None:
    generation = running(upstream.connection())
    upstream.answers[generation.task_id] = answer(document(generation.task_id, "completed", video=None))

    ask(generation)
    assert generation.state == State.RUNNING
    assert (generation.finalising_since, generation.attention) == (NOW, "")

    clock.forward(minutes=29)
    assert ask(generation).attention == ""
    clock.forward(minutes=2)
    assert ask(generation).attention == Attention.NO_LINK
    assert generation.next_refresh_at is not None

    upstream.answers[generation.task_id] = answer(completed(generation.task_id))
    clock.forward(minutes=1)
    assert ask(generation).state == State.SUCCEEDED
    assert (generation.attention, generation.finalising_since) == ("", None)


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(answer(NOT_FOUND, 404), id="404"),
        pytest.param(answer(NOT_FOUND, 410), id="410"),
        pytest.param(answer({"error": {"message": "task not exist", "type": "task_not_exist"}}, 400), id="400"),
        pytest.param(answer({"code": "task_not_exist", "message": "task_not_exist", "data": None}), id="200"),
    ],
)
def test_not_found_is_ignored_while_young_then_flagged_and_comes_back_by_itself(
    upstream: Upstream, ask: Ask, clock: Clock, unknown: Response
) -> None:
    generation = running(upstream.connection())
    upstream.answers[generation.task_id] = unknown

    clock.forward(minutes=9)
    ask(generation)
    assert (generation.not_found_count, generation.attention) == (0, Attention.UNKNOWN_ID)
    assert generation.error_kind.startswith("missing")

    clock.forward(minutes=2)
    for _ in range(4):
        assert ask(generation).attention == Attention.UNKNOWN_ID
        clock.forward(minutes=8)
    assert ask(generation).attention == Attention.MISSING
    assert generation.state == State.RUNNING
    assert generation.next_refresh_at is not None
    assert generation.next_refresh_at - clock.now > timedelta(minutes=5)

    upstream.answers[generation.task_id] = answer(document(generation.task_id))
    ask(generation)
    assert (generation.attention, generation.not_found_count, generation.error_kind) == ("", 0, "")


def test_five_not_founds_within_half_an_hour_flag_nothing(upstream: Upstream, ask: Ask, clock: Clock) -> None:
    generation = running(upstream.connection(), created_at=NOW - timedelta(minutes=20))
    upstream.answers[generation.task_id] = answer(NOT_FOUND, 404)

    for _ in range(8):
        ask(generation)
        clock.forward(minutes=3)

    assert generation.not_found_count == 8
    assert generation.attention == Attention.UNKNOWN_ID


def test_many_unknown_at_once_flag_no_generation_but_the_account(upstream: Upstream, ask: Ask, clock: Clock) -> None:
    connection = upstream.connection()
    old = {"created_at": NOW - timedelta(hours=2), "not_found_count": 7, "not_found_since": NOW - timedelta(hours=1)}
    generations = [running(connection, **old) for _ in range(9)]
    upstream.default = answer(NOT_FOUND, 404)

    ask(generations[0])

    assert fresh(connection).looks_like_wrong_account
    assert not Generation.objects.filter(attention=Attention.MISSING).exists()

    upstream.default = None
    clock.forward(minutes=30)
    ask(generations[0])
    assert not fresh(connection).looks_like_wrong_account


@pytest.mark.parametrize(
    "broke",
    [
        pytest.param(answer({"error": {"message": "Insufficient balance"}}, 402), id="402"),
        pytest.param(answer({"error": {"message": "user quota is not enough", "code": "quota"}}, 403), id="403"),
    ],
)
def test_out_of_credit_marks_the_key_and_asking_goes_on(upstream: Upstream, ask: Ask, broke: Response) -> None:
    connection = upstream.connection()
    generation = running(connection)
    upstream.answers[generation.task_id] = broke

    ask(generation)

    assert fresh(connection).is_out_of_credit
    assert connection.pause_reason == ""
    assert connection.error_text
    assert generation.state == State.RUNNING
    ask(generation)
    assert upstream.calls[generation.task_id] == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_second_refusal_after_five_seconds_pauses_the_key_and_a_probe_resumes_it(
    upstream: Upstream, ask: Ask, clock: Clock, status: int
) -> None:
    connection = upstream.connection()
    generation = running(connection)
    upstream.default = answer({"error": {"message": "Invalid token"}}, status)

    ask(generation)
    clock.forward(seconds=4)
    ask(generation)
    assert fresh(connection).pause_reason == ""

    clock.forward(seconds=2)
    ask(generation)
    assert fresh(connection).pause_reason == PauseReason.KEY_REFUSED
    assert AuditEvent.objects.filter(verb="connection.paused", target_id=str(connection.pk)).count() == 1
    assert generation.state == State.RUNNING

    ask(generation)
    assert upstream.calls[generation.task_id] == 3  # paused: not asked

    upstream.default = None
    clock.forward(seconds=31)
    ask(generation)
    assert fresh(connection).pause_reason == ""
    assert upstream.calls[generation.task_id] == 4


def test_probes_of_a_refused_key_become_rarer(upstream: Upstream, ask: Ask, clock: Clock) -> None:
    connection = upstream.connection()
    generation = running(connection)
    upstream.default = answer({"error": {"message": "Invalid token"}}, 401)
    ask(generation)
    clock.forward(seconds=6)
    ask(generation)

    waits = []
    for _ in range(4):
        fresh(connection)
        assert connection.next_probe_at is not None
        waits.append(connection.next_probe_at - clock.now)
        clock.now = connection.next_probe_at
        ask(generation)

    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]


def test_429_makes_only_this_key_wait_and_halves_its_allowance(upstream: Upstream, ask: Ask, clock: Clock) -> None:
    limited, other = upstream.connection(), upstream.connection()
    generation, bystander = running(limited), running(other)
    upstream.answers[generation.task_id] = answer({"error": {"message": "slow down"}}, 429, **{"Retry-After": "60"})

    ask(generation)
    assert fresh(limited).blocked_until == NOW + timedelta(seconds=60)
    assert limited.allowance_per_minute == 300
    assert generation.state == State.RUNNING

    clock.forward(seconds=59)
    ask(generation)
    ask(bystander)
    assert upstream.calls[generation.task_id] == 1
    assert upstream.calls[bystander.task_id] >= 2
    assert Host.objects.filter(failure_count__gt=0).count() == 0

    clock.forward(seconds=2)
    ask(generation)
    until(lambda: upstream.calls[generation.task_id] == 2)


@pytest.mark.parametrize(("wish", "wait"), [("0", 1), ("86400", 900)])
def test_retry_after_is_clamped_between_a_second_and_a_quarter_of_an_hour(
    upstream: Upstream, ask: Ask, wish: str, wait: int
) -> None:
    connection = upstream.connection()
    upstream.default = answer({"error": {"message": "slow down"}}, 429, **{"Retry-After": wish})

    ask(running(connection))

    assert fresh(connection).blocked_until == NOW + timedelta(seconds=wait)


def test_a_5xx_keeps_the_state_and_backs_off(upstream: Upstream, ask: Ask) -> None:
    generation = running(upstream.connection(), attempts=6)
    upstream.default = answer({"error": {"message": "overloaded"}}, 503)

    ask(generation)

    assert generation.state == State.RUNNING
    assert generation.attempts == 7
    assert generation.next_refresh_at is not None
    assert generation.next_refresh_at > NOW + timedelta(seconds=3)


def test_nobody_listening_keeps_the_state_and_counts_against_the_host(ask: Ask) -> None:
    generation = running(make_connection(kind="cometapi", base_url="http://127.0.0.1:1", calls_left_at=NOW))

    ask(generation)

    assert generation.state == State.RUNNING
    assert generation.error_kind == "transient_error"
    assert Host.objects.get(name="127.0.0.1:1").failure_count == 1


def test_five_failures_in_a_row_open_the_circuit_for_every_key_of_the_host(
    upstream: Upstream, ask: Ask, clock: Clock
) -> None:
    connection, sibling = upstream.connection(), upstream.connection()
    generations = [running(connection) for _ in range(12)]
    upstream.default = answer({"error": {"message": "overloaded"}}, 500)

    ask(generations[0])
    asked = upstream.calls.total()
    host = Host.objects.get()
    assert asked < 12  # the round stopped when the circuit opened
    assert host.open_until is not None
    assert host.open_until > NOW

    ask(running(sibling))
    assert upstream.calls.total() == asked  # open: nobody asks

    clock.now = host.open_until
    ask(generations[0])
    assert upstream.calls.total() == asked + 1  # half open: one probe
    reopened = Host.objects.get().open_until
    assert reopened is not None
    assert reopened > clock.now

    upstream.default = None
    clock.now = reopened
    ask(generations[0])
    assert (Host.objects.get().failure_count, Host.objects.get().open_until) == (0, None)


def test_nothing_is_retried_within_a_round(upstream: Upstream, ask: Ask) -> None:
    generation = running(upstream.connection())
    upstream.default = answer({"error": {"message": "overloaded"}}, 502)

    ask(generation)

    assert upstream.calls[generation.task_id] == 1


def test_a_redirect_is_never_followed(upstream: Upstream, ask: Ask) -> None:
    generation = running(upstream.connection())
    upstream.answers[generation.task_id] = Response(
        "", 302, {"Location": f"{upstream.url}/dream-machine/v1/generations/elsewhere"}
    )

    ask(generation)

    assert generation.state == State.RUNNING
    assert upstream.calls["elsewhere"] == 0
    assert Host.objects.get().failure_count == 1


def test_the_key_is_sent_and_nothing_of_it_is_kept(upstream: Upstream, ask: Ask) -> None:
    connection = upstream.connection(key="sk-planted-secret-99")
    generation = running(connection)
    seen: list[str] = []

    def echo(request: Request) -> Response:
        seen.append(request.headers["Authorization"])
        return answer({"error": {"message": f"bad key {request.headers['Authorization']}"}}, 401)

    upstream.default = echo
    ask(generation)

    assert seen == ["Bearer sk-planted-secret-99"]
    assert "planted" not in generation.error_text + fresh(connection).error_text
