"""Asking upstream whether it agrees: what it contradicts is told, what it does not answer at first is asked again."""

from __future__ import annotations

import json

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lumaboard.generations.models import State
from lumaboard.ops.agreement import MORE_TRIES, disagreements
from tests.factories import make_connection, make_generation

pytestmark = pytest.mark.django_db
BUSY = Response(json.dumps({"detail": "rate limit reached"}), 429, content_type="application/json")


def test_what_upstream_answers_late_is_no_disagreement_and_what_it_contradicts_is(httpserver: HTTPServer) -> None:
    connection = make_connection(base_url=httpserver.url_for("").rstrip("/"))
    late, other, never = (make_generation(connection, state=State.FAILED) for _number in range(3))
    asked: dict[str, int] = {}

    def answer(request: Request) -> Response:
        task_id = request.path.rpartition("/")[2]
        asked[task_id] = asked.get(task_id, 0) + 1
        if task_id == never.task_id or (task_id == late.task_id and asked[task_id] <= MORE_TRIES):
            return BUSY
        said = {"id": task_id, "state": "failed" if task_id == late.task_id else "processing"}
        return Response(json.dumps(said), content_type="application/json")

    for row in (late, other, never):
        httpserver.expect_request(f"/dream-machine/v1/generations/{row.task_id}").respond_with_handler(answer)
    told = list(disagreements(pause_seconds=0))
    assert told[0] == f"generation {other.pk} is failed here and running upstream"
    assert told[1].startswith(f"generation {never.pk} cannot be asked about: ")
    assert len(told) == 2
    assert asked[never.task_id] == 1 + MORE_TRIES
