"""What a refresh finds out is written into the outbox with the change itself, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lumaboard.generations.models import Generation
from lumaboard.news import batches
from lumaboard.news.models import Event, EventKind
from tests.factories import make_generation
from tests.refresh.conftest import Clock, Upstream, answer, completed, document

pytestmark = pytest.mark.django_db
Ask = Callable[[Generation], Generation]


def kinds_of(generation: Generation) -> list[str]:
    return list(Event.objects.filter(generation=generation).order_by("pk").values_list("kind", flat=True))


def test_a_generation_that_succeeds_is_news_once(upstream: Upstream, ask: Ask, clock: Clock) -> None:
    generation = make_generation(upstream.connection())
    ask(generation)
    assert kinds_of(generation) == []  # it merely runs

    upstream.answers[generation.task_id] = answer(completed(generation.task_id))
    for _twice in range(2):
        clock.forward(seconds=5)
        ask(generation)
    assert kinds_of(generation) == [EventKind.SUCCEEDED]
    assert Event.objects.get().number == generation.transitions.count()


def test_a_generation_that_fails_is_news(upstream: Upstream, ask: Ask) -> None:
    generation = make_generation(upstream.connection())
    upstream.answers[generation.task_id] = answer(document(generation.task_id, "failed", failure_reason="No."))
    ask(generation)
    assert kinds_of(generation) == [EventKind.FAILED]


def test_a_batch_is_done_when_its_last_generation_settles(upstream: Upstream, ask: Ask, clock: Clock) -> None:
    connection = upstream.connection()
    first, last = make_generation(connection), make_generation(connection)
    batches.gather(connection.workspace_id, [first.pk, last.pk], created_by_id=None, now=clock.now)

    upstream.answers[first.task_id] = answer(completed(first.task_id))
    ask(first)
    assert not Event.objects.filter(kind=EventKind.BATCH_DONE).exists()

    clock.forward(seconds=5)
    upstream.answers[last.task_id] = answer(document(last.task_id, "failed"))
    ask(last)
    told = Event.objects.get(kind=EventKind.BATCH_DONE)
    assert told.batch is not None
    assert told.batch.done_at == clock.now
