from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from lumaboard.core.queue import enqueue
from lumaboard.generations.counters import Beat
from lumaboard.refresh.beats import beat, take_beat
from lumaboard.refresh.broker import TickBroker
from tests.factories import NOW

pytestmark = pytest.mark.django_db
TICK = {"every": timedelta(seconds=2), "patience": timedelta(seconds=8)}


def given(broker: TickBroker) -> list[str]:
    """The paths of the jobs that one look at the queue hands out."""
    return [SignedPackage.loads(package)["func"] for _, package in broker.dequeue() or []]


def test_a_tick_and_a_probe_come_before_the_rows_of_the_queue() -> None:
    enqueue("lumaboard.refresh.jobs.learn_waits")

    assert given(TickBroker()) == ["lumaboard.refresh.jobs.tick", "lumaboard.refresh.jobs.probe"]
    assert given(TickBroker()) == ["lumaboard.refresh.jobs.learn_waits"]


def test_a_tick_is_no_row_and_is_acknowledged_by_nobody() -> None:
    [(ack_id, package), _] = TickBroker().dequeue() or []

    assert ack_id is None
    assert SignedPackage.loads(package)["save"] is False
    assert OrmQ.objects.count() == 0


def test_two_clusters_get_one_tick_between_them() -> None:
    assert "lumaboard.refresh.jobs.tick" in given(TickBroker())
    assert given(TickBroker()) == []


def test_the_archive_cluster_gets_probes_of_its_own_and_no_tick() -> None:
    enqueue("lumaboard.archive.jobs.copy_due", cluster="archive")

    assert given(TickBroker(list_key="archive")) == ["lumaboard.refresh.jobs.probe"]
    assert given(TickBroker(list_key="archive")) == ["lumaboard.archive.jobs.copy_due"]
    assert [beat.name for beat in Beat.objects.all()] == ["archive probe"]


def test_a_probe_beats_when_it_is_acknowledged() -> None:
    [_tick, (ack_id, _package)] = TickBroker().dequeue() or []
    assert Beat.objects.get(name="probe").beaten_at is None

    TickBroker().acknowledge(ack_id or "")
    assert Beat.objects.get(name="probe").beaten_at is not None


def test_acknowledging_a_row_takes_it_out_of_the_queue() -> None:
    enqueue("lumaboard.refresh.jobs.learn_waits")
    TickBroker().acknowledge(OrmQ.objects.get().pk)
    assert OrmQ.objects.count() == 0


def test_a_busy_queue_does_not_ask_for_the_beat_at_every_row() -> None:
    broker = TickBroker()
    given(broker)
    Beat.objects.update(due_at=timezone.now() - timedelta(seconds=1), beaten_at=timezone.now())

    enqueue("lumaboard.refresh.jobs.learn_waits")
    assert given(broker) == ["lumaboard.refresh.jobs.learn_waits"]


def test_the_main_cluster_is_the_one_that_settings_name() -> None:
    assert TickBroker().list_key == Conf.PREFIX


def test_a_beat_is_given_once_a_period() -> None:
    assert take_beat("tick", every=timedelta(seconds=2), now=NOW)
    assert not take_beat("tick", every=timedelta(seconds=2), now=NOW + timedelta(seconds=1.9))
    assert take_beat("tick", every=timedelta(seconds=2), now=NOW + timedelta(seconds=2))


def test_the_next_tick_waits_for_the_end_of_the_one_before() -> None:
    assert take_beat("tick", now=NOW, **TICK)
    assert not take_beat("tick", now=NOW + timedelta(seconds=3), **TICK)

    beat("tick", now=NOW + timedelta(seconds=3))
    assert take_beat("tick", now=NOW + timedelta(seconds=3.1), **TICK)


def test_a_tick_that_was_killed_holds_the_next_one_up_for_seconds_only() -> None:
    assert take_beat("tick", now=NOW, **TICK)
    assert take_beat("tick", now=NOW + timedelta(seconds=10), **TICK)


def test_a_clock_set_back_does_not_stop_the_ticks() -> None:
    assert take_beat("tick", now=NOW, **TICK)
    beat("tick", now=NOW)
    assert take_beat("tick", now=NOW - timedelta(days=1), **TICK)
