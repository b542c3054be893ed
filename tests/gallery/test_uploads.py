"""Start and end frames by upload: what is taken, who may have it, how the provider gets it, and how it goes."""

from __future__ import annotations

import json
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Role, Workspace
from lumaboard.archive import storage
from lumaboard.archive.sweeping import sweep
from lumaboard.archive.verify import verify_files
from lumaboard.connections.models import Connection
from lumaboard.generations.models import State
from lumaboard.leaving import erasing
from lumaboard.ops.invariants import workspaces_are_apart
from lumaboard.submission import pictures
from lumaboard.submission.models import Intent, Picture
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_kept_asset, make_member, make_picture
from tests.media.samples import picture_bytes

pytestmark = pytest.mark.django_db
BOARD = "https://board.example.org"


def chosen(body: bytes, name: str = "first.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body, content_type="image/jpeg")


@pytest.fixture(autouse=True)
def in_public(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_URL = BOARD
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def path(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/new/"


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace, kind="luma", base_url="https://api.example.com")


def wish(connection: Connection, **fields: Any) -> dict[str, Any]:
    fixed = {"token": str(uuid4()), "connection": connection.pk, "prompt": "A quiet harbour", "count": "1"}
    return fixed | {"start_kind": "upload"} | fields


def sent_url(name: str = "frame0") -> str:
    return str(json.loads(Intent.objects.get().request)["keyframes"][name]["url"])


def local(url: str) -> str:
    assert url.startswith(f"{BOARD}/frames/")
    return urlsplit(url).path


def test_the_provider_gets_a_link_that_needs_no_account_and_shows_that_picture(
    alice_client: Client, path: str, connection: Connection
) -> None:
    body = picture_bytes()
    form = wish(connection, start_file=chosen(body), end_kind="upload", end_file=chosen(picture_bytes(kind="PNG")))
    assert alice_client.post(path, form).status_code == 302
    answer = Client().get(local(sent_url()))
    assert (answer.status_code, answer.getvalue()) == (200, body)
    assert {name: answer.headers[name] for name in ("Content-Type", "Cache-Control", "Content-Security-Policy")} == {
        "Content-Type": "image/jpeg",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert Client().get(local(sent_url("frame1"))).headers["Content-Type"] == "image/png"
    assert Client().head(local(sent_url())).headers["Content-Length"] == str(len(body))
    assert Client().post(local(sent_url())).status_code == 405
    assert all(one.used_at for one in Picture.objects.all())


def test_an_upload_outlives_what_else_is_wrong_with_the_form(
    alice_client: Client, path: str, connection: Connection
) -> None:
    form = wish(connection, prompt="ab", start_file=chosen(picture_bytes()))
    answer = alice_client.post(path, form)
    assert answer.status_code == 422
    number = answer.context["form"]["start_upload"].value()
    shown = f"/w/{Workspace.objects.get().slug}/pictures/{number}/"
    assert f'src="{shown}"' in answer.content.decode()
    assert alice_client.get(shown).headers["Content-Type"] == "image/jpeg"
    again = {**form, "prompt": "A quiet harbour", "start_upload": number}
    del again["start_file"]
    assert alice_client.post(path, again).status_code == 302
    assert Client().get(local(sent_url())).status_code == 200


def test_pressing_twice_with_a_file_makes_one(alice: Membership, path: str, connection: Connection) -> None:
    form = wish(connection)
    for seconds in range(2):
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            client = client_of(alice)
            assert client.post(path, form | {"start_file": chosen(picture_bytes())}).status_code == 302
    assert Intent.objects.count() == Picture.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "JPEG, PNG and WebP can."),
        (b"\0\0\0\x18ftypisom" + b"\0" * 64, "JPEG, PNG and WebP can."),
        (picture_bytes()[:-20], "cannot be read. It may be damaged."),
        (b"\xff\xd8\xff" + b"\0" * (8 * 2**20), "larger than 8 MB."),
        (picture_bytes(8000, 5001, "PNG"), "more than 40 million pixels."),
    ],
)
def test_what_is_no_picture_we_can_use_is_said_beside_the_field_and_not_kept(
    alice_client: Client, path: str, connection: Connection, body: bytes, sentence: str
) -> None:
    answer = alice_client.post(path, wish(connection, start_file=chosen(body)))
    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors["start_kind"][0]
    assert not Picture.objects.exists()
    assert not list(storage.root().rglob("*.*"))


def test_no_room_is_said_and_room_that_is_used_is_counted_once(
    alice: Membership, alice_client: Client, path: str, connection: Connection, settings: Settings
) -> None:
    body = picture_bytes()
    settings.QUOTA_BYTES = len(body) - 1
    answer = alice_client.post(path, wish(connection, start_file=chosen(body)))
    assert "There is no room" in answer.context["form"].errors["start_kind"][0]
    settings.QUOTA_BYTES = None
    for _time in range(2):
        alice_client.post(path, wish(connection, start_file=chosen(body)))
    assert Workspace.objects.get().stored_bytes == len(body)


def test_nothing_chosen_is_said(alice_client: Client, path: str, connection: Connection) -> None:
    errors = alice_client.post(path, wish(connection)).context["form"].errors
    assert errors["start_kind"] == ["Choose the picture to upload."]


@pytest.mark.parametrize(
    ("board", "provider", "is_reached"),
    [
        (BOARD, "https://api.example.com", True),
        ("https://8.8.8.8", "https://api.example.com", True),
        ("http://board.example.org", "https://api.example.com", False),
        ("https://10.0.0.7", "https://api.example.com", False),
        ("https://studio.local", "https://api.example.com", False),
        ("https://studio", "https://api.example.com", False),
        ("http://127.0.0.1:8000", "https://api.example.com", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8787", True),
        ("http://localhost:8000", "http://127.0.0.1:8787", True),
    ],
)
def test_where_the_provider_cannot_reach_us_it_is_said_before_anything_is_sent(
    alice: Membership, alice_client: Client, path: str, settings: Settings, board: str, provider: str, is_reached: bool
) -> None:
    settings.PUBLIC_URL = board
    connection = make_connection(alice.workspace, base_url=provider)
    page = alice_client.get(path).content.decode()
    assert ('value="upload"' in page) is is_reached
    assert ("cannot fetch a picture from this board" in page) is not is_reached
    upload = wish(connection, start_upload=make_picture(alice).pk)
    assert alice_client.post(path, upload).status_code == (302 if is_reached else 422)


def test_of_two_providers_the_one_that_cannot_reach_us_is_named(
    alice: Membership, alice_client: Client, path: str, settings: Settings
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    make_connection(alice.workspace)
    far = make_connection(alice.workspace, kind="luma", base_url="https://api.example.com", name="Far away")
    answer = alice_client.post(path, wish(far, start_upload=make_picture(alice).pk))
    assert "“Far away” cannot fetch a picture from this board" in answer.context["form"].errors["start_kind"][0]
    assert not Intent.objects.exists()


def test_a_link_ends_and_leads_nowhere_when_it_was_changed(alice: Membership) -> None:
    given = make_picture(alice, b"a picture")
    path = local(pictures.link_to(given, now=NOW))
    assert path == local(pictures.link_to(given, now=NOW + timedelta(hours=11)))
    assert path != local(pictures.link_to(given, now=NOW + timedelta(hours=13)))
    changed = (path.replace("/frames/", "/frames/x"), path.replace(".jpg", ".png"), path.replace(".jpg", ".html"))
    with time_machine.travel(NOW + timedelta(hours=35), tick=False):
        assert Client().get(path).getvalue() == b"a picture"
        assert [Client().get(one).status_code for one in changed] == [404] * 3
    with time_machine.travel(NOW + timedelta(hours=37), tick=False):
        assert Client().get(path).status_code == 404


def test_a_picture_is_nobody_elses_to_see_or_to_send(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    given = make_picture(make_member("Dana", role=Role.MEMBER, workspace=alice.workspace))
    assert alice_client.get(f"/w/{alice.workspace.slug}/pictures/{given.pk}/").status_code == 404
    answer = alice_client.post(path, wish(connection, start_upload=given.pk))
    assert answer.context["form"].errors["start_kind"] == ["Choose the picture to upload."]


def test_again_takes_ones_own_picture_and_a_colleague_is_told_when_its_link_has_ended(
    alice: Membership, alice_client: Client, path: str, connection: Connection
) -> None:
    given = make_picture(alice, created_at=timezone.now() - timedelta(days=9))
    link = pictures.link_to(given, now=timezone.now() - timedelta(days=5))
    asked = {"prompt": "A quiet harbour", "keyframes": {"frame0": {"type": "image", "url": link}}}
    row = make_generation(connection, state=State.SUCCEEDED, created_by=alice.user, request=asked)
    form = alice_client.get(f"{path}?from={row.pk}").context["form"]
    assert (form["start_kind"].value(), form["start_upload"].value()) == ("upload", given.pk)
    dana = client_of(make_member("Dana", role=Role.MEMBER, workspace=alice.workspace))
    form = dana.get(f"{path}?from={row.pk}").context["form"]
    assert (form["start_kind"].value(), form["start_url"].value()) == ("url", link)
    answer = dana.post(path, wish(connection, start_kind="url", start_url=link))
    assert "That link has ended." in answer.context["form"].errors["start_kind"][0]


# -- how it stays, and goes --------------------------------------------------------------------------------------------


def grow_old(picture: Picture) -> Path:
    file = storage.path_of(picture.stored_name)
    moment = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(file, (moment, moment))
    return file


def test_the_sweep_leaves_pictures_and_the_invariants_look_at_them(alice: Membership) -> None:
    given = make_picture(alice)
    file = grow_old(given)
    assert sweep(now=timezone.now()) == 0
    assert list(verify_files(now=timezone.now())) == []
    file.write_bytes(b"something else")
    assert "picture" in next(iter(verify_files(now=timezone.now())))
    Picture.objects.update(stored_name=f"999/{given.sha256[:2]}/{given.sha256}.jpg")
    assert any("names 999/" in trouble for trouble in workspaces_are_apart(timezone.now()))


def test_what_was_never_ordered_with_goes_after_a_day_and_what_was_after_a_season(alice: Membership) -> None:
    now = timezone.now()
    Workspace.objects.update(stored_bytes=1000)
    old, kept = now - timedelta(hours=25), []
    make_picture(alice, b"unused", created_at=old)
    make_picture(alice, b"long ago", created_at=old, used_at=now - timedelta(days=91))
    kept.append(make_picture(alice, b"used", created_at=old, used_at=now - timedelta(days=89)).pk)
    kept.append(make_picture(alice, b"just given", created_at=now).pk)
    pictures.forget_old(now=now)
    assert list(Picture.objects.order_by("pk").values_list("pk", flat=True)) == kept
    assert Workspace.objects.get().stored_bytes == 1000 - len(b"unused") - len(b"long ago")


@pytest.mark.django_db(transaction=True)
def test_one_that_is_ordered_with_while_old_ones_go_stays(alice: Membership) -> None:
    now = timezone.now()
    given = make_picture(alice, created_at=now - timedelta(days=2))
    with transaction.atomic():  # as an order writes it, a moment before its commit
        Picture.objects.filter(pk=given.pk).update(used_at=now)
        thread = threading.Thread(target=forget_and_hang_up)
        thread.start()
        thread.join(1)  # SQLite: it waits to begin; PostgreSQL: for the row
    thread.join(30)
    assert Picture.objects.filter(pk=given.pk).exists()


def forget_and_hang_up() -> None:
    pictures.forget_old(now=timezone.now())
    database.close()


def test_room_that_something_else_needs_is_not_given_back(alice: Membership) -> None:
    make_kept_asset(make_generation(make_connection(alice.workspace)), b"the same", extension="jpg")
    make_picture(alice, b"the same", created_at=timezone.now() - timedelta(days=2))
    Workspace.objects.update(stored_bytes=8)
    pictures.forget_old(now=timezone.now())
    assert (Picture.objects.count(), Workspace.objects.get().stored_bytes) == (0, 8)


def test_erasing_somebody_ends_their_pictures_and_links_at_once(alice: Membership) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    given = make_picture(dana, created_at=timezone.now(), used_at=timezone.now())
    Workspace.objects.update(stored_bytes=given.size)
    path = local(pictures.link_to(given, now=timezone.now()))
    erasing.erase(dana.user, now=timezone.now())
    assert Client().get(path).status_code == 404
    assert (Picture.objects.count(), Workspace.objects.get().stored_bytes) == (0, 0)


def test_a_deleted_workspace_shows_nothing_by_old_links(alice: Membership) -> None:
    path = local(pictures.link_to(make_picture(alice, created_at=timezone.now()), now=timezone.now()))
    Workspace.objects.update(deleted_at=timezone.now())
    assert Client().get(path).status_code == 404
