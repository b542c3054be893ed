from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lumaboard.accounts.models import Membership
from lumaboard.archive.operations import ONE_DOWNLOAD
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.models import AssetRole, Generation, State
from tests.factories import make_asset, make_connection, make_generation, make_kept_asset

RAW, MARKED, STILL = b"r" * 3_000_000, b"w" * 2000, b"s" * 300


@pytest.fixture
def film(alice: Membership, media_root: Path) -> Generation:
    """A generation with a raw, a watermarked and a first-frame file."""
    generation = make_generation(
        make_connection(alice.workspace), state=State.SUCCEEDED, prompt="Füchse im Schnee", created_by=alice.user
    )
    make_kept_asset(generation, RAW)
    make_kept_asset(generation, MARKED, role=AssetRole.WATERMARKED)
    make_kept_asset(generation, STILL, role=AssetRole.THUMBNAIL, extension="jpg")
    return generation


def address(generation: Generation, role: str, name: str = "media", *, workspace: str = "", pk: int = 0) -> str:
    slug = workspace or generation.workspace.slug
    return reverse(f"archive:{name}", kwargs={"workspace": slug, "pk": pk or generation.pk, "role": role})


def body_of(response: object) -> bytes:
    streamed = getattr(response, "streaming_content", None)
    return b"".join(streamed) if streamed is not None else response.content  # type: ignore[attr-defined]


def test_who_may_have_the_raw_film_plays_it_and_a_viewer_plays_the_watermarked_one(
    film: Generation, alice_client: Client, bob_client: Client
) -> None:
    assert body_of(alice_client.get(address(film, "main"))) == RAW
    assert body_of(bob_client.get(address(film, "main"))) == MARKED
    assert body_of(bob_client.get(address(film, "watermarked"))) == MARKED


@pytest.mark.parametrize("name", ["media", "download"])
def test_the_raw_film_is_refused_to_a_viewer(name: str, film: Generation, bob_client: Client) -> None:
    assert bob_client.get(address(film, "raw", name)).status_code == 403


def test_a_viewer_gets_nothing_where_only_a_raw_film_is(
    alice: Membership, media_root: Path, tmp_path: Path, bob_client: Client
) -> None:
    generation = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED)
    make_kept_asset(generation, RAW)
    assert bob_client.get(address(generation, "main")).status_code == 404


def test_a_viewer_plays_the_preview_where_one_was_made(film: Generation, bob_client: Client) -> None:
    film.assets.filter(role=AssetRole.WATERMARKED).delete()
    make_kept_asset(film, b"p" * 1000, role=AssetRole.PREVIEW)
    assert body_of(bob_client.get(address(film, "main"))) == b"p" * 1000


@pytest.mark.parametrize("name", ["media", "download"])
@pytest.mark.parametrize("role", ["main", "raw", "watermarked", "poster"])
def test_a_stranger_is_told_what_anybody_is_told_about_nothing(
    role: str, name: str, film: Generation, alice_client: Client, charlie: Membership, charlie_client: Client
) -> None:
    inside = charlie_client.get(address(film, role, name))
    in_own = charlie_client.get(address(film, role, name, workspace=charlie.workspace.slug))
    missing = charlie_client.get(address(film, role, name, workspace=charlie.workspace.slug, pk=999_999))
    no_workspace = charlie_client.get(address(film, role, name, workspace="no-such-place"))
    unknown_role = alice_client.get(address(film, "sprite", name))
    answers = [inside, in_own, missing, no_workspace, unknown_role]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers[:4]}) == 1


def test_a_visitor_is_sent_to_sign_in(film: Generation, client: Client) -> None:
    answer = client.get(address(film, "main"))
    assert answer.status_code == 302
    assert "/accounts/login/" in answer.headers["Location"]


def test_a_file_that_is_not_safe_yet_is_not_there(film: Generation, alice_client: Client) -> None:
    make_asset(film, role=AssetRole.LAST_FRAME)
    assert alice_client.get(address(film, "last_frame")).status_code == 404


def test_a_file_gone_from_the_disk_is_not_there(film: Generation, alice_client: Client, media_root: Path) -> None:
    (media_root / film.assets.get(role=AssetRole.RAW).stored_name).unlink()
    assert alice_client.get(address(film, "raw")).status_code == 404


def test_the_first_frame_stands_in_for_pictures_not_made_yet(film: Generation, bob_client: Client) -> None:
    assert body_of(bob_client.get(address(film, "poster"))) == STILL
    assert bob_client.get(address(film, "card")).headers["Content-Type"] == "image/jpeg"


def test_a_player_gets_a_range_in_pieces_and_a_download_gets_all_of_it(film: Generation, alice_client: Client) -> None:
    played = alice_client.get(address(film, "raw"), headers={"Range": "bytes=1000-"})
    assert (played.status_code, len(body_of(played))) == (206, 1024 * 1024)
    assert played.headers["Content-Range"] == f"bytes 1000-{1000 + 1024 * 1024 - 1}/{len(RAW)}"
    resumed = alice_client.get(address(film, "raw", "download"), headers={"Range": "bytes=1000-"})
    assert (resumed.status_code, len(body_of(resumed))) == (206, len(RAW) - 1000)


def test_a_player_that_has_the_film_is_not_sent_it_again(film: Generation, alice_client: Client) -> None:
    etag = alice_client.get(address(film, "raw")).headers["ETag"]
    assert etag == f'"{film.assets.get(role=AssetRole.RAW).sha256}"'
    assert alice_client.get(address(film, "raw"), headers={"If-None-Match": etag}).status_code == 304


def test_head_tells_the_size_and_sends_nothing(film: Generation, alice_client: Client) -> None:
    answer = alice_client.head(address(film, "main"))
    assert (answer.status_code, answer.headers["Content-Length"], body_of(answer)) == (200, str(len(RAW)), b"")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_nothing_can_be_sent_to_a_file(method: str, film: Generation, alice_client: Client) -> None:
    assert getattr(alice_client, method)(address(film, "main")).status_code == 405


def test_a_download_has_a_name_a_person_knows(film: Generation, alice_client: Client) -> None:
    disposition = alice_client.head(address(film, "main", "download")).headers["Content-Disposition"]
    short_id = film.task_id[:8]
    assert disposition == f"attachment; filename*=utf-8''F%C3%BCchse-im-Schnee_{short_id}_raw.mp4"
    Generation.objects.filter(pk=film.pk).update(title="Winter 🦊\x01 final/cut")
    disposition = alice_client.head(address(film, "watermarked", "download")).headers["Content-Disposition"]
    assert disposition == f'attachment; filename="Winter-final-cut_{short_id}_watermarked.mp4"'


def test_a_range_costs_three_queries(
    film: Generation, alice_client: Client, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    url = address(film, "main")
    with django_assert_num_queries(3):  # type: ignore[operator]
        body_of(alice_client.get(url, headers={"Range": "bytes=0-1"}))


# Downloads are recorded ----------------------------------------------------------------------------------------------


def downloads() -> list[tuple[int | None, str]]:
    events = AuditEvent.objects.filter(verb="download").order_by("id")
    return [(event.actor_id, event.detail["role"]) for event in events]


def test_a_download_is_recorded_with_the_file_it_handed_out(
    film: Generation, alice: Membership, alice_client: Client, bob: Membership, bob_client: Client
) -> None:
    alice_client.get(address(film, "raw", "download"))
    bob_client.get(address(film, "main", "download"))
    assert downloads() == [(alice.user_id, "raw"), (bob.user_id, "watermarked")]
    event = AuditEvent.objects.earliest("id")
    assert (event.workspace_id, event.target_kind, event.target_id) == (film.workspace_id, "generation", str(film.pk))


def test_the_ranges_and_resumptions_of_one_download_are_recorded_once(
    film: Generation, alice: Membership, alice_client: Client
) -> None:
    for span in ("bytes=1-", "bytes=0-999999", "bytes=1000000-1999999", "bytes=2000000-"):
        assert alice_client.get(address(film, "raw", "download"), headers={"Range": span}).status_code == 206
    alice_client.get(address(film, "raw", "download"))
    assert downloads() == [(alice.user_id, "raw")]
    AuditEvent.objects.update(at=timezone.now() - ONE_DOWNLOAD)
    alice_client.get(address(film, "raw", "download"))
    assert downloads() == [(alice.user_id, "raw")] * 2


def test_what_hands_out_nothing_and_playing_are_no_downloads(
    film: Generation, alice_client: Client, bob_client: Client
) -> None:
    raw = address(film, "raw", "download")
    etag = alice_client.head(raw)["ETag"]
    assert alice_client.get(raw, headers={"If-None-Match": etag}).status_code == 304
    assert alice_client.get(raw, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert bob_client.get(raw).status_code == 403
    body_of(alice_client.get(address(film, "raw")))
    assert downloads() == []
