"""Programs that poll through the proxy cost upstream nothing: it sees what the engine asks by its own pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.utils import timezone

from lumaboard.connections.models import Connection as Upstream
from lumaboard.generations.models import Generation
from lumaboard.upstream.client import API_PATH
from tests.bench import upstream
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure
from tests.bench.people import make_pending, make_place
from tests.bench.stack import until_ticking, web
from tests.bench.wire import Address, Connection
from tests.factories import make_token

_AGE = timedelta(minutes=3)
"""Of the generations when counting begins: for minutes to come they are asked about at one and the same pace."""

_POLL_SECONDS = 2.0
_WARM_SECONDS = 5.0  # in which each is asked about once, so that there is a record to answer from


def measure(bench: Bench) -> Mapping[str, Figure]:
    """Count what upstream is asked while only the engine asks, and then while every generation has a program that polls."""
    clients, seconds = bench.scale.polling_clients, bench.scale.polling_seconds
    with ExitStack() as stack:
        address = stack.enter_context(upstream.running(0.02))
        database = stack.enter_context(bench.database())
        place = make_place(base_url=address)
        token = make_token(place.membership).token
        keys = make_pending(place, clients)
        for number, key in enumerate(keys):
            Generation.objects.filter(pk=key).update(task_id=f"bench-polled-{number}x")  # under way for ever
        Upstream.objects.update(asked_at=timezone.now())
        installation = bench.installation(database)
        server, _ = stack.enter_context(web(installation))
        stack.enter_context(installation.running("worker"))
        until_ticking()
        task_ids = list(Generation.objects.filter(pk__in=keys).values_list("task_id", flat=True))
        alone = _asked(address, seconds)
        with _polling(server, token, task_ids) as polls:
            beside = _asked(address, seconds)
    ratio = beside / alone
    say(f"{clients} programs polled {len(polls)} times; upstream was asked {beside} times, by the engine alone {alone}")
    return {"polling": Figure(abs(ratio - 1), shown=f"{ratio:.2f}, {len(polls):,} polls")}


def _asked(address: str, seconds: float) -> int:
    Generation.objects.update(created_at=timezone.now() - _AGE, next_refresh_at=timezone.now(), lease="")
    time.sleep(min(_WARM_SECONDS, seconds))
    before = upstream.asked(address)
    time.sleep(seconds)
    return upstream.asked(address) - before


@contextmanager
def _polling(server: Address, token: str, task_ids: Sequence[str]) -> Iterator[list[int]]:
    """One program for each of these; what is given fills with the length of every answer."""
    is_over, answers = threading.Event(), list[int]()

    def poll(number: int, task_id: str) -> None:
        is_over.wait(_POLL_SECONDS * number / len(task_ids))
        with Connection(server, authorization=f"Bearer {token}") as program:
            while not is_over.is_set():
                _status, body = program.get(f"{API_PATH}/generations/{task_id}")
                answers.append(len(body))
                is_over.wait(_POLL_SECONDS)

    threads = [threading.Thread(target=poll, args=one) for one in enumerate(task_ids)]
    for thread in threads:
        thread.start()
    try:
        yield answers
        assert all(thread.is_alive() for thread in threads), "a program was refused"
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
