"""Notes on a generation: who writes, changes and deletes them, and who reads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.generations import notes, operations
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import CopyState, Generation, State
from lumaboard.generations.remarks import Note
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_member

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def worker(db: None) -> Beat:
    now = timezone.now()
    return Beat.objects.create(name="tick", due_at=now, beaten_at=now)


@pytest.fixture
def rita(alice: Membership) -> Membership:
    """A reviewer: the least that may write."""
    return make_member("Rita Ross", role=Role.REVIEWER, workspace=alice.workspace)


@pytest.fixture
def film(alice: Membership) -> Generation:
    connection = make_connection(alice.workspace)
    return make_generation(connection, state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED, created_by=alice.user)


@pytest.fixture
def note(film: Generation, rita: Membership) -> Note:
    return notes.write(film, "The horizon tilts.", author_id=rita.user.pk, now=NOW)


def path(film: Generation, page: str = "") -> str:
    return f"/w/{film.workspace.slug}/g/{film.pk}/{page}"


def read(membership: Membership, film: Generation, page: str = "") -> str:
    return client_of(membership).get(path(film, page)).content.decode()


def test_a_note_is_read_by_everybody_as_it_was_typed(film: Generation, bob: Membership, rita: Membership) -> None:
    text = '<b>Bold</b> & "quoted"\nsecond line https://example.com'
    answer = client_of(rita).post(path(film, "notes/"), {"text": text})
    assert answer.headers["Location"] == path(film) + "#detail-notes"
    page = read(bob, film)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; &quot;quoted&quot;\nsecond line https://example.com</p>" in page
    assert "Rita Ross" in page
    assert "Note by Rita Ross" in page  # who acted last
    assert client_of(bob).get(f"/w/{film.workspace.slug}/").content.decode().count("#message-square") == 1


def test_notes_stand_newest_last_in_a_constant_number_of_queries(film: Generation, rita: Membership) -> None:
    client, counts = client_of(rita), []
    client.get(path(film))
    for number in range(5):
        notes.write(film, f"Note {number}.", author_id=rita.user.pk, now=NOW + timedelta(minutes=number))
        with CaptureQueriesContext(database) as queries:
            page = client.get(path(film)).content.decode()
        counts.append(len(queries))
    assert [page.index(f"Note {number}.") for number in range(5)] == sorted(
        page.index(f"Note {number}.") for number in range(5)
    )
    assert len(set(counts)) == 1


def test_a_page_that_is_open_gets_the_note(film: Generation, alice: Membership, rita: Membership) -> None:
    alice.workspace.refresh_from_db()
    since = alice.workspace.seq
    client_of(rita).post(path(film, "notes/"), {"text": "The horizon tilts."}, headers=HTMX)
    answer = client_of(alice).get(path(film, f"live?since={since}&beating=1"), headers=HTMX).content.decode()
    assert '<section id="detail-notes" hx-swap-oob="morph">' in answer
    assert "The horizon tilts." in answer


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_note_that_is_too_long_is_refused_and_not_lost(
    film: Generation, rita: Membership, headers: dict[str, str]
) -> None:
    text = "x" * 2001 + " and the end"
    answer = client_of(rita).post(path(film, "notes/"), {"text": text}, headers=headers)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert text in page
    assert "A note has room for 2000 characters; this one has 2013." in page
    assert not Note.objects.exists()


@pytest.mark.parametrize("text", ["", "  \n ", "a\x00b"])
def test_nothing_readable_is_no_note(film: Generation, rita: Membership, text: str) -> None:
    assert client_of(rita).post(path(film, "notes/"), {"text": text}).status_code == 422
    assert not Note.objects.exists()


def test_its_author_changes_a_note_and_that_is_marked(
    film: Generation, note: Note, alice: Membership, rita: Membership
) -> None:
    address = path(film, f"notes/change/?note={note.pk}")
    assert "The horizon tilts." in client_of(rita).get(address).content.decode()
    client_of(rita).post(address, {"text": "It tilts a little."})
    page = read(alice, film)
    assert "It tilts a little." in page
    assert ">edited<" in page
    assert client_of(alice).post(address, {"text": "Mine now"}).status_code == 403


def test_a_deleted_note_can_be_brought_back_and_is_forgotten_after_a_day(
    film: Generation, note: Note, rita: Membership
) -> None:
    client = client_of(rita)
    after = client.post(path(film, f"notes/delete/?note={note.pk}"), follow=True).content.decode()
    assert "The horizon tilts." not in after
    assert "Note deleted." in after
    undo = path(film, f"notes/restore/?note={note.pk}")
    assert undo in after
    client.post(undo)
    assert "The horizon tilts." in read(rita, film)
    film.refresh_from_db()
    assert film.note_count == 1
    client.post(path(film, f"notes/delete/?note={note.pk}"))
    notes.forget_deleted(now=timezone.now() + timedelta(hours=25))
    assert client.post(undo).status_code == 404


def test_an_admin_deletes_what_others_wrote_and_a_colleague_does_not(
    film: Generation, note: Note, alice: Membership
) -> None:
    mia = make_member("Mia", role=Role.MEMBER, workspace=alice.workspace)
    address = path(film, f"notes/delete/?note={note.pk}")
    assert client_of(mia).post(address).status_code == 403
    assert client_of(alice).post(address).status_code == 302
    assert client_of(mia).post(path(film, f"notes/restore/?note={note.pk}")).status_code == 403


def test_what_an_admin_deleted_its_author_does_not_bring_back(
    film: Generation, note: Note, alice: Membership, rita: Membership
) -> None:
    client_of(alice).post(path(film, f"notes/delete/?note={note.pk}"))
    undo = path(film, f"notes/restore/?note={note.pk}")
    assert client_of(rita).post(undo).status_code == 403
    assert "The horizon tilts." not in read(rita, film)
    assert client_of(alice).post(undo).status_code == 302
    assert "The horizon tilts." in read(rita, film)


def test_a_click_that_comes_twice_acts_and_is_recorded_once(film: Generation, note: Note, rita: Membership) -> None:
    for act in (notes.delete, notes.bring_back):
        act(note, actor_id=rita.user.pk, now=NOW)
        film.refresh_from_db()
        before = film.seq, AuditEvent.objects.count()
        act(note, actor_id=rita.user.pk, now=NOW)
        film.refresh_from_db()
        assert (film.seq, AuditEvent.objects.count()) == before


def test_a_viewer_reads_and_does_not_write(film: Generation, note: Note, bob: Membership) -> None:
    page = read(bob, film)
    assert "The horizon tilts." in page
    assert "note-form" not in page
    for act in ("notes/", f"notes/change/?note={note.pk}", f"notes/delete/?note={note.pk}"):
        assert client_of(bob).post(path(film, act), {"text": "x"}).status_code == 403


def test_a_stranger_and_a_colleague_of_private_work_find_nothing(
    film: Generation, note: Note, alice: Membership, rita: Membership, charlie: Membership
) -> None:
    operations.set_private(film, is_private=True, actor_id=alice.user.pk, now=NOW)
    for person in (rita, charlie):
        for act in ("notes/", f"notes/change/?note={note.pk}", f"notes/delete/?note={note.pk}"):
            answer = client_of(person).post(path(film, act), {"text": "x"})
            missing = client_of(person).post(path(film, act).replace(f"/{film.pk}/", "/999999999/"), {"text": "x"})
            assert answer.status_code == missing.status_code == 404
            assert answer.content == missing.content


def test_a_note_of_another_generation_is_not_reached_through_this_one(
    film: Generation, note: Note, alice: Membership, rita: Membership
) -> None:
    other = make_generation(film.connection, created_by=alice.user)
    assert client_of(rita).post(path(other, f"notes/delete/?note={note.pk}")).status_code == 404
    for number in ("", "x", "99999999999999999999"):
        assert client_of(rita).post(path(film, f"notes/delete/?note={number}")).status_code == 404


def test_each_act_is_recorded_without_what_was_written(film: Generation, note: Note, rita: Membership) -> None:
    notes.change(note, "It tilts.", now=NOW)
    notes.delete(note, actor_id=rita.user.pk, now=NOW)
    notes.bring_back(note, actor_id=rita.user.pk, now=NOW)
    told = AuditEvent.objects.filter(target_id=str(film.pk)).order_by("id")
    verbs = ["note.written", "note.changed", "note.deleted", "note.brought_back"]
    assert [(event.verb, event.detail) for event in told] == [(verb, {}) for verb in verbs]
