"""Send what is due, a few at once, until nothing is due or the job's time is over."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Final

from django.conf import settings
from django.db import connections
from django.db.models import Q
from django.utils.translation import gettext as _

from lumaboard.generations.counters import Beat
from lumaboard.news.hooks import claims
from lumaboard.news.hooks.claims import Claim
from lumaboard.news.hooks.messages import body_of
from lumaboard.news.hooks.models import CallbackSecret, Delivery
from lumaboard.news.hooks.outcomes import GONE, Result, finish
from lumaboard.news.hooks.sealed import Unreadable, callback_secret_of, secret_of, url_of
from lumaboard.news.hooks.signing import signed_headers
from lumaboard.outbound import AddressPolicy, AddressRefused, Answer, NotSendable, OutboundError, OutboundSession
from lumaboard.upstream.complaints import retry_after

logger = logging.getLogger(__name__)

AT_ONCE: Final = 8
SECONDS: Final = 10.0
"""So long one exchange may take, from the lookup of the name to the last byte."""

LARGEST_ANSWER: Final = 64 * 1024
BUDGET_SECONDS: Final = 10.0
"""After this nothing more is begun. A worker that sends must be back at looking after generations soon."""

TURN: Final = timedelta(seconds=30)
BEAT: Final = "deliver"
_LONGEST_WISH_SECONDS: Final = 3_600.0

Clock = Callable[[], datetime]


@cache
def hooks_session() -> OutboundSession:
    """The session for addresses that people entered: the simulator's, which is allowed to connections, is none of them."""
    return OutboundSession(
        AddressPolicy(settings.ALLOWED_BY_OPERATOR), pool_size=AT_ONCE, max_answer_bytes=LARGEST_ANSWER
    )


def deliver_due(*, clock: Clock, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Send until nothing is due and nothing is under way; returns how many tries were made.

    One worker at a time does, so that slow receivers never hold all of them; two at once would be harmless.
    """
    if not Delivery.objects.due(clock()).exists() or not _take_turn(clock()):
        return 0
    ends_at, begun = monotonic() + budget_seconds, 0
    running: dict[Future[None], Claim] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="deliver") as pool:
        while True:
            if monotonic() < ends_at:
                busy = Counter(claim.line for claim in running.values())
                for claim in claims.claim_due(now=clock(), limit=AT_ONCE - len(running), busy=busy):
                    running[pool.submit(_in_thread, claim, clock)] = claim
                    begun += 1
            if not running:
                break
            done, _others = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                if error := future.exception():  # the lease ends by itself, and it is tried again
                    logger.error("A delivery broke down.", exc_info=error)
    Beat.objects.filter(name=BEAT).update(due_at=clock())
    return begun


def deliver(claim: Claim, *, clock: Clock, is_last: bool = False) -> Result:
    """Make one try, outside of any transaction, and write down what came of it."""
    result = _attempt(claim, clock=clock)
    finish(claim, result, now=clock(), is_last=is_last)
    return result


def _take_turn(now: datetime) -> bool:
    is_due = Q(due_at__lte=now) | Q(due_at__gt=now + TURN)  # further ahead: the clock was set back
    if Beat.objects.filter(is_due, name=BEAT).update(due_at=now + TURN):
        return True
    return Beat.objects.get_or_create(name=BEAT, defaults={"due_at": now + TURN})[1]


def _in_thread(claim: Claim, clock: Clock) -> None:
    try:
        deliver(claim, clock=clock)
    finally:
        connections.close_all()  # this thread's own


def _attempt(claim: Claim, *, clock: Clock) -> Result:
    related = ("workspace", "webhook", "callback", "event__workspace", "event__generation", "event__batch")
    delivery = Delivery.objects.select_related(*related).get(pk=claim.delivery_id)
    target = delivery.webhook or delivery.callback
    assert target is not None  # a constraint says so
    try:
        url, secret = url_of(target), _secret(delivery)
    except Unreadable as error:
        return Result(error=str(error), is_hopeless=True, counts=False)
    body = body_of(delivery)
    if body is None:
        return Result(
            error=_("Nothing was sent: its receiver may not see it any more."), is_hopeless=True, counts=False
        )
    now = clock()
    headers = {"Content-Type": "application/json", **signed_headers(str(delivery.uid), body, secret=secret, now=now)}
    try:
        answer = hooks_session().exchange(
            "POST", url, headers=headers, body=body, deadline=SECONDS, read_timeout=SECONDS
        )
    except (AddressRefused, NotSendable) as error:
        return Result(error=str(error), is_hopeless=True)
    except OutboundError as error:
        return Result(error=str(error))
    return _judged(answer, host=delivery.host, now=clock())


def _secret(delivery: Delivery) -> str:
    if delivery.webhook is not None:
        return secret_of(delivery.webhook)
    row = CallbackSecret.objects.filter(workspace=delivery.workspace_id).first()
    return callback_secret_of(row) if row is not None else ""


def _judged(answer: Answer, *, host: str, now: datetime) -> Result:
    """Only a 2xx means that it has arrived. What else the receiver says is neither kept nor shown."""
    if 200 <= answer.status < 300:
        return Result(status=answer.status)
    if 300 <= answer.status < 400:
        error = _("%(host)s redirects elsewhere (%(status)d), and redirects are not followed.")
    elif answer.status == GONE:
        error = _("%(host)s says that nobody listens there any more (%(status)d).")
    else:
        error = _("%(host)s answered %(status)d.")
    return Result(
        error=error % {"host": host, "status": answer.status},
        status=answer.status,
        is_hopeless=answer.status == GONE,
        retry_after=retry_after(answer, now=now, longest=_LONGEST_WISH_SECONDS),
    )
