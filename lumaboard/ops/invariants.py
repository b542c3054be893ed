"""What has to hold at every moment, whatever was killed when. Each check gives a sentence for everything that is broken.

The numbers are those of docs/operations.md; checks read and never repair. Numbers that are missing here belong to what
Lumaboard does not do yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models import Count as CountOf
from django.db.models.functions import Coalesce

from lumaboard.accounts.models import Membership, Workspace
from lumaboard.archive.verify import verify_files
from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Count
from lumaboard.generations.counts import Bucket, Cell, buckets_of, cells_of
from lumaboard.generations.models import SETTLED, Attention, Cause, Generation, State, Transition
from lumaboard.generations.querysets import CLOCK_SLACK
from lumaboard.news.hooks.models import Delivery, Webhook
from lumaboard.news.models import Event
from lumaboard.ops.audited import untold_generations, untold_roles, untold_settings, untold_traces
from lumaboard.ops.health import look_at_worker
from lumaboard.ops.leaks import leaked_keys
from lumaboard.ops.tenancy import crossing_audit_rows, crossing_files, crossing_rows, telling_audit_rows
from lumaboard.submission.models import Intent, IntentState
from lumaboard.submission.reconcile import STALE_AFTER

Check = Callable[[datetime], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Invariant:
    number: int
    promise: str
    check: Check


def creates_are_tracked(now: datetime) -> Iterator[str]:
    """1: what was accepted is tracked under its id, in its workspace; and no sending is left without an end."""
    accepted = Intent.objects.filter(state=IntentState.ACCEPTED)
    for intent in accepted.exclude(generation__task_id=F("task_id"), generation__connection=F("connection")).order_by(
        "pk"
    ):
        yield f"intent {intent.pk} became {intent.task_id}, and that is not what is tracked for it"
    # The job that settles them runs every minute; this is how long it may have stood still.
    for intent in Intent.objects.open().filter(state=IntentState.SENDING, sent_at__lt=now - STALE_AFTER * 5):
        yield f"intent {intent.pk} has been on its way since {intent.sent_at:%Y-%m-%d %H:%M}"


def news_is_told(now: datetime) -> Iterator[str]:
    """5: what happened is spread, once; what is to be told is tried in time; and nobody who listens was passed over.

    That an event is there once, and a delivery once for each target, the database makes sure of.
    """
    # The job that spreads and sends runs every minute; this is how long it may have stood still.
    late = now - timedelta(minutes=10)
    for event in Event.objects.filter(spread_at=None, at__lt=late, workspace__deleted_at=None).order_by("pk"):
        yield f"event {event.pk} has waited since {event.at:%Y-%m-%d %H:%M}, and nobody was told"
    for delivery in Delivery.objects.due(now).filter(next_try_at__lt=late).order_by("pk"):
        yield f"delivery {delivery.pk} has been due since {delivery.next_try_at:%Y-%m-%d %H:%M}"
    for webhook in Webhook.objects.listening().filter(workspace__deleted_at=None).order_by("pk"):
        told = Delivery.objects.filter(webhook=webhook, event=OuterRef("pk"))
        events = Event.objects.filter(workspace=webhook.workspace_id, kind__in=webhook.kinds)
        was_private = Q(generation__is_private=True) | Q(generation__privacy_seq__isnull=False)
        was_private |= Q(batch__is_private=True)
        missed = events.filter(spread_at__gt=webhook.listening_since).exclude(was_private).exclude(Exists(told))
        for event in missed.order_by("pk"):
            yield f"webhook {webhook.pk} was not told of event {event.pk}"


def creates_are_sent_once(now: datetime) -> Iterator[str]:
    """6: nobody can send again what may have been made; one idempotency key of one person stands for one request.

    That upstream got no more than that is for the tests to ask it; here is what makes sure of it.
    """
    twice = Intent.objects.exclude(idempotency_key="").values("workspace", "created_by", "idempotency_key")
    for found in twice.annotate(n=CountOf("pk")).filter(n__gt=1, created_by__isnull=False).order_by():
        yield f"one idempotency key of person {found['created_by']} stands for {found['n']} requests"
    may_have_made = Q(state__in=(IntentState.SENDING, IntentState.ACCEPTED, IntentState.UNKNOWN))
    for pk in Intent.objects.filter(may_have_made, is_sendable=True).order_by("pk").values_list("pk", flat=True):
        yield f"intent {pk} may have made something, and could be sent again"


def transitions_tell_the_state(now: datetime) -> Iterator[str]:
    """3: numbered without gaps, each beginning where the last ended, never back except by a person, ending in the state."""
    of_one = Transition.objects.filter(generation=OuterRef("pk")).order_by("-number")
    lasts = Generation.objects.annotate(last=Subquery(of_one.values("to_state")[:1]))
    for pk, state, last in lasts.exclude(last=F("state"), last__isnull=False).values_list("pk", "state", "last"):
        yield f"generation {pk} is {state}, but its last transition says {last or 'nothing'}"
    numbered = Transition.objects.values("generation").annotate(number_of=CountOf("pk"), highest=Max("number"))
    for gap in numbered.exclude(number_of=F("highest")).order_by("generation"):
        yield f"generation {gap['generation']} has {gap['number_of']} transitions, numbered up to {gap['highest']}"
    before = Transition.objects.filter(generation=OuterRef("generation"), number=OuterRef("number") - 1)
    came_from = Coalesce(Subquery(before.values("to_state")[:1]), Value(""))
    for torn in Transition.objects.annotate(came_from=came_from).exclude(from_state=F("came_from")).order_by("pk"):
        yield f"transition {torn} does not begin where the one before ended ({torn.came_from or 'nowhere'})"
    backwards = Q(from_state__in=SETTLED) | Q(from_state=State.RUNNING, to_state=State.QUEUED)
    for fall in Transition.objects.filter(backwards).exclude(cause=Cause.PERSON).order_by("pk"):
        yield f"transition {fall} leads back"


def files_are_whole(now: datetime) -> Iterable[str]:
    """7 and 8: archived means the file is there with its size and hash; no file lies about unnamed for more than a day."""
    return verify_files(now=now)


def pending_work_goes_on(now: datetime) -> Iterator[str]:
    """9: every pending generation is asked again within two hours, or it is stated why not."""
    stated = Q(attention__in=(Attention.PARKED, Attention.MISSING)) | Q(trashed_at__isnull=False)
    stated |= Q(connection__removed_at__isnull=False) | ~Q(connection__pause_reason="")
    # A lease may still run, and a time too far ahead counts as due: only rows without a time are forgotten.
    forgotten = Generation.objects.pending().filter(next_refresh_at=None).exclude(stated)
    for row in forgotten.order_by("pk"):
        yield f"generation {row.pk} is {row.state}, and nothing will ask about it again"
    late = Generation.objects.pending().filter(next_refresh_at__lt=now - CLOCK_SLACK).exclude(stated)
    for row in late.order_by("pk"):
        yield f"generation {row.pk} has been due since {row.next_refresh_at:%Y-%m-%d %H:%M}"


def counts_are_right(now: datetime) -> Iterator[str]:
    """10: the counts on screen, of shared work and of each person's private work, equal what a recount gives."""
    right: defaultdict[int, Counter[Cell]] = defaultdict(Counter)
    is_trashed = ExpressionWrapper(Q(trashed_at__isnull=False), output_field=BooleanField())
    private_to = Case(When(is_private=True, then=F("created_by_id")))
    shapes = Generation.objects.annotate(trashed=is_trashed, private_to_id=private_to).values_list(
        "workspace_id", "private_to_id", "state", "copy_state", "attention", "trashed"
    )
    for workspace_id, owner_id, state, copy_state, attention, trashed, number in shapes.annotate(
        n=CountOf("pk")
    ).order_by():
        buckets = buckets_of(state=state, copy_state=copy_state, attention=attention, is_trashed=trashed)
        right[workspace_id].update(dict.fromkeys(cells_of(buckets, private_to=owner_id), number))
    shown: defaultdict[int, Counter[Cell]] = defaultdict(Counter)
    for workspace_id, owner_id, bucket, total in Count.objects.values_list("workspace", "owner", "bucket", "total"):
        shown[workspace_id][Cell(owner_id, Bucket(bucket))] = total
    for workspace_id in Workspace.objects.present().order_by("pk").values_list("pk", flat=True):
        cells = right[workspace_id].keys() | shown[workspace_id].keys()
        for cell in sorted(cells, key=lambda cell: (cell.owner_id or 0, cell.bucket)):
            said, found = shown[workspace_id][cell], right[workspace_id][cell]
            if said != found:
                whose = f" private to person {cell.owner_id}" if cell.owner_id else ""
                yield f"workspace {workspace_id} shows {said} {cell.bucket.value}{whose}, and has {found}"


def workspaces_are_apart(now: datetime) -> Iterator[str]:
    """11: whatever a row leads to, files and audit rows included, is in its workspace; and every workspace has an owner."""
    yield from crossing_rows()
    yield from crossing_audit_rows()
    yield from telling_audit_rows()
    yield from crossing_files()
    owned = Membership.objects.filter(workspace=OuterRef("pk"), role="owner")
    for workspace in Workspace.objects.present().exclude(Exists(owned)).order_by("pk"):
        yield f"workspace {workspace.pk} has no owner"


def acts_are_audited(now: datetime) -> Iterator[str]:
    """12: whatever somebody must have done for a row to be as it is, an audit row says that it was done."""
    yield from untold_traces()
    yield from untold_settings()
    yield from untold_roles()
    yield from untold_generations()


def budgets_hold(now: datetime) -> Iterator[str]:
    """13: no key was asked more often than its budget allows: its bucket of calls is never overdrawn."""
    for connection in Connection.objects.filter(calls_left__lt=0).order_by("pk"):
        yield f"connection {connection.pk} has overdrawn its budget by {-connection.calls_left:.1f} calls"


def keys_stay_secret(now: datetime) -> Iterable[str]:
    """14: no upstream key, and no address or secret of a webhook, stands in clear in any column or any queued job."""
    return leaked_keys()


def worker_is_alive(now: datetime) -> Iterator[str]:
    """15: the worker gave a sign of life within 30 s."""
    finding = look_at_worker(now=now)
    if not finding.is_well:
        yield finding.words


INVARIANTS = (
    Invariant(1, "every create that was accepted is tracked, and none is left hanging", creates_are_tracked),
    Invariant(3, "transitions have no gap, never lead back and end in the state", transitions_tell_the_state),
    Invariant(5, "what happened is told, once to each who listens", news_is_told),
    Invariant(6, "no create is sent twice", creates_are_sent_once),
    Invariant(7, "every kept file is whole, and no file is nobody's (also 8)", files_are_whole),
    Invariant(9, "every pending generation has a next step or a stated pause", pending_work_goes_on),
    Invariant(10, "counts equal recounts", counts_are_right),
    Invariant(11, "no row crosses workspaces", workspaces_are_apart),
    Invariant(12, "every privileged act is audited", acts_are_audited),
    Invariant(13, "calls stay within each key's budget", budgets_hold),
    Invariant(14, "no key, and no secret of a webhook, is stored in clear", keys_stay_secret),
    Invariant(15, "the worker is alive", worker_is_alive),
)
