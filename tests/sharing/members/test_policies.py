"""What a workspace demands of its links, and how their pages look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.sharing.guests.colours import accent_of
from lumaboard.sharing.models import Logo, ShareLink, SharePolicy
from lumaboard.sharing.operations import Terms, change_link, make_link
from lumaboard.sharing.policies import PolicyBroken
from tests.conftest import client_of
from tests.factories import NOW, acting, make_member
from tests.sharing.browsing import address

Share = Callable[..., ShareLink]
PASSWORD = "the fox is red"
STRICT = {"most_days": "7", "needs_password": "on", "most_download": "watermarked"}


def settings_url(membership: Membership, name: str = "policy") -> str:
    return reverse(f"sharing:{name}", args=[membership.workspace.slug])


def save(client: Client, membership: Membership, name: str = "policy", **fields: object) -> HttpResponse:
    return client.post(settings_url(membership, name), fields)


def picture(size: tuple[int, int] = (900, 300), form: str = "PNG") -> SimpleUploadedFile:
    buffer = BytesIO()
    Image.new("RGBA" if form == "PNG" else "RGB", size, (120, 80, 250)).save(buffer, form)
    return SimpleUploadedFile("logo.png", buffer.getvalue())


@pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.VIEWER])
def test_only_admins_say_what_links_must_keep_to(role: Role, alice: Membership) -> None:
    client = client_of(make_member(role=role, workspace=alice.workspace))
    assert client.get(settings_url(alice)).status_code == 403
    for name in ("policy", "sites", "look"):
        assert save(client, alice, name, **STRICT).status_code == 403
    assert not SharePolicy.objects.exists()


def test_a_stranger_finds_no_settings(alice: Membership, charlie: Membership) -> None:
    assert client_of(charlie).get(settings_url(alice)).status_code == 404
    assert save(client_of(charlie), alice, **STRICT).status_code == 404


def test_before_a_policy_holds_one_sees_which_links_break_it_and_says_what_becomes_of_them(
    share: Share, alice: Membership, alice_client: Client
) -> None:
    now = timezone.now()
    endless = share(name="Endless", password=PASSWORD)
    open_ = share(name="Open door", expires_at=now + timedelta(days=3))
    free = share(name="Free", expires_at=now + timedelta(days=3), password=PASSWORD, download="raw")
    good = share(name="Good", expires_at=now + timedelta(days=3), password=PASSWORD)
    page = save(alice_client, alice, **STRICT).content.decode()
    assert "3 links are freer than this" in page
    assert [name in page for name in ("Endless", "Open door", "Free", "Good")] == [True, True, True, False]
    assert not SharePolicy.objects.exists()

    assert save(alice_client, alice, **STRICT, settle="leave").status_code == 302
    assert SharePolicy.objects.get().most_days == 7
    assert ShareLink.objects.filter(revoked_at=None).count() == 4

    assert save(alice_client, alice, **STRICT, settle="revoke").status_code == 302
    assert set(ShareLink.objects.filter(revoked_at=None)) == {good}
    revoked = AuditEvent.objects.filter(verb="link.revoked").values_list("target_id", flat=True)
    assert set(revoked) == {str(link.pk) for link in (endless, open_, free)}
    assert AuditEvent.objects.filter(verb="sharing.policy_changed").count() == 2


def test_a_policy_that_no_link_breaks_is_saved_at_once(share: Share, alice: Membership, alice_client: Client) -> None:
    share(expires_at=timezone.now() + timedelta(days=3), password=PASSWORD)
    assert save(alice_client, alice, **STRICT).status_code == 302
    assert SharePolicy.objects.get().needs_password


@pytest.mark.parametrize("days", ["0", "-3", "99999", "soon", "2147483648"])
def test_days_that_are_none_are_refused_and_what_was_typed_stays(
    days: str, alice: Membership, alice_client: Client
) -> None:
    answer = save(alice_client, alice, **{**STRICT, "most_days": days})
    assert answer.status_code == 422
    assert f'value="{days}"' in answer.content.decode()
    assert not SharePolicy.objects.exists()


@pytest.mark.parametrize(
    ("terms", "breaches"),
    [
        ({"expires_at": None, "password": PASSWORD}, {"expires_at"}),
        ({"expires_at": NOW + timedelta(days=8), "password": PASSWORD}, {"expires_at"}),
        ({"expires_at": NOW + timedelta(days=7)}, {"password"}),
        ({"expires_at": NOW, "password": PASSWORD, "download": "raw"}, {"download"}),
        ({"expires_at": None, "download": "raw"}, {"expires_at", "password", "download"}),
    ],
)
def test_no_link_is_made_or_changed_to_break_the_policy(
    terms: dict[str, object], breaches: set[str], share: Share, alice: Membership
) -> None:
    link = share()
    SharePolicy.objects.create(workspace=alice.workspace, most_days=7, needs_password=True, most_download="watermarked")
    pks = list(link.items.values_list("generation_id", flat=True))
    with pytest.raises(PolicyBroken) as made:
        make_link(acting(alice), pks, Terms(**terms), now=NOW)  # type: ignore[arg-type]
    with pytest.raises(PolicyBroken) as changed:
        change_link(acting(alice), link, Terms(**terms), now=NOW)  # type: ignore[arg-type]
    assert set(made.value.breaches) == set(changed.value.breaches) == breaches
    assert ShareLink.objects.count() == 1


def test_guests_see_name_logo_and_colour(share: Share, alice: Membership, alice_client: Client, guest: Client) -> None:
    link = share()
    plain = guest.get(address(link)).content.decode()
    assert address(link, "brand") not in plain
    assert guest.get(address(link, "brand")).status_code == 404
    assert guest.get(address(link, "guest_logo")).status_code == 404

    assert save(alice_client, alice, "look", accent="#7C5CFF", logo=picture()).status_code == 302
    page = guest.get(address(link)).content.decode()
    assert address(link, "brand") in page
    assert address(link, "guest_logo") in page
    sheet = guest.get(address(link, "brand"))
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "--ink: #7c5cff" in sheet.content.decode()
    logo = guest.get(address(link, "guest_logo"))
    with Image.open(BytesIO(logo.content)) as drawn:
        assert (drawn.format, drawn.height, drawn.width) == ("PNG", 96, 288)
    assert alice_client.get(settings_url(alice, "logo")).content == logo.content

    locked = share(password=PASSWORD)
    assert guest.get(address(locked, "brand")).status_code == 404
    assert guest.get(address(locked, "guest_logo")).status_code == 404
    assert save(alice_client, alice, "look", accent="", removes_logo="on").status_code == 302
    assert not Logo.objects.exists()
    assert AuditEvent.objects.filter(verb="sharing.look_changed").count() == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"accent": "red"}, "Six digits after a #"),
        ({"accent": "#12345g"}, "Six digits after a #"),
        ({"accent": "#fff;}*{"}, "Ensure this value has at most 7"),
        (
            {"logo": SimpleUploadedFile("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")},
            "no picture we can use",
        ),
        ({"logo": SimpleUploadedFile("logo.png", b"\x89PNG\r\n\x1a\n" + b"0" * 500)}, "no picture we can use"),
        ({"logo": SimpleUploadedFile("logo.png", b"\x89PNG" + b"0" * 2**20)}, "larger than 1 MB"),
    ],
)
def test_a_look_that_is_none_is_refused_in_words(
    fields: dict[str, object], said: str, alice: Membership, alice_client: Client
) -> None:
    answer = save(alice_client, alice, "look", **fields)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Logo.objects.exists()
    assert not SharePolicy.objects.exists()


def test_sites_are_kept_as_origins_and_a_bad_line_changes_nothing(alice: Membership, alice_client: Client) -> None:
    lines = "https://example.com\n\nhttps://*.studio.example\r\nhttps://example.com"
    assert save(alice_client, alice, "sites", embed_sites=lines).status_code == 302
    assert SharePolicy.objects.get().embed_sites == ["https://example.com", "https://*.studio.example"]
    answer = save(alice_client, alice, "sites", embed_sites="https://example.com; script-src *")
    assert answer.status_code == 422
    assert "script-src *" in answer.content.decode()
    assert len(SharePolicy.objects.get().embed_sites) == 2


def test_a_colour_is_lightened_until_it_stands_out_and_words_on_it_can_be_read() -> None:
    assert accent_of("#7c5cff").colour == "#7c5cff"
    assert accent_of("#000000").colour not in ("#000000", "#ffffff")
    assert accent_of("#ffffff").on_colour == "#000000"
    assert accent_of("#0000ff").on_colour in ("#000000", "#ffffff")
