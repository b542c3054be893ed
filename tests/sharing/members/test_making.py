"""Members make, change and end share links through their pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.generations import operations as generations
from lumaboard.generations.models import AssetRole, Generation
from lumaboard.sharing.addresses import url_of
from lumaboard.sharing.models import Download, ShareItem, ShareLink, SharePolicy
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_member
from tests.sharing.browsing import address, make_film, press

Share = Callable[..., ShareLink]
HTMX = {"HX-Request": "true"}
FORM = {"name": "For the client", "ends": "30", "download": "nothing"}


def shares(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/shares/{path}"


def make(client: Client, maker: Membership, *films: Generation, **fields: Any) -> Any:
    """Send the form for new links as the page does."""
    return client.post(shares(maker, "new/"), FORM | fields | {"g": [film.pk for film in films]})


@pytest.fixture
def dana(alice: Membership) -> Membership:
    """A member in Alice's workspace, who may share but not manage what others share."""
    return make_member("Dana Dale", role=Role.MEMBER, workspace=alice.workspace)


def test_a_link_is_made_from_a_generation_and_its_page_gives_address_card_and_code(
    alice: Membership, alice_client: Client, film: Generation, guest: Client
) -> None:
    page = alice_client.get(shares(alice, f"new/?g={film.pk}")).content.decode()
    assert 'value="Foxes, take 3"' in page
    assert "Foxes in the snow" not in page
    answer = make(alice_client, alice, film)
    link = ShareLink.objects.get()
    assert answer.headers["Location"] == shares(alice, f"{link.pk}/?made=1")
    assert (link.created_by, link.download, link.shows_details) == (alice.user, Download.NOTHING, False)
    assert link.expires_at is not None
    assert timedelta(days=29, hours=23) < link.expires_at - timezone.now() < timedelta(days=30)
    made = alice_client.get(answer.headers["Location"]).content.decode()
    for words in (
        "The link is ready",
        str(url_of(link)),
        "For the client",
        alice.workspace.name,
        "Open as guest",
        "Revoke",
    ):
        assert words in made
    assert guest.get(address(link)).status_code == 200
    assert list(AuditEvent.objects.filter(verb="link.made").values_list("actor", flat=True)) == [alice.user.pk]


def test_a_prompt_is_never_the_name_of_a_link(alice: Membership, alice_client: Client, media_root: object) -> None:
    untitled = make_film(alice, prompt="A secret product")
    page = alice_client.get(shares(alice, f"new/?g={untitled.pk}")).content.decode()
    assert 'value="A secret product' not in page
    make(alice_client, alice, untitled, name="")
    assert ShareLink.objects.get().name == ""


def test_a_dialog_gets_the_same_as_a_fragment(alice: Membership, alice_client: Client, film: Generation) -> None:
    whole = alice_client.get(shares(alice, f"new/?g={film.pk}"))
    part = alice_client.get(shares(alice, f"new/?g={film.pk}"), headers=HTMX)
    assert part.content.decode().lstrip().startswith("<section")
    assert "HX-Request" in whole.headers["Vary"]
    made = alice_client.post(shares(alice, "new/"), FORM | {"g": film.pk}, headers=HTMX)
    assert made.status_code == 200
    assert str(url_of(ShareLink.objects.get())) in made.content.decode()


def test_several_generations_stand_behind_one_link_in_the_order_chosen(
    alice: Membership, alice_client: Client, media_root: object
) -> None:
    first, second, third = (make_film(alice, title=name) for name in ("Fog", "Rain", "Snow"))
    page = alice_client.get(shares(alice, f"new/?g={third.pk}&g={first.pk}&g={second.pk}")).content.decode()
    assert "Share 3 generations" in page
    make(alice_client, alice, third, first, second)
    items = ShareItem.objects.order_by("number").values_list("generation_id", flat=True)
    assert list(items) == [third.pk, first.pk, second.pk]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ends": "date"}, "Choose the last day."),
        ({"ends": "date", "ends_on": "2001-01-01"}, "Choose today or a later day."),
        ({"ends": "date", "ends_on": "9999-12-31"}, "within ten years"),
        ({"ends": "date", "ends_on": "yesterday"}, "Enter a valid date."),
        ({"ends": "31"}, "Select a valid choice."),
        ({"ends": ""}, "This field is required."),
        ({"view_limit": "0"}, "greater than or equal to 1"),
        ({"view_limit": "9" * 40}, "less than or equal to"),
        ({"view_limit": "many"}, "Enter a whole number."),
        ({"password": "short"}, "at least 6 characters"),
        ({"password": "p" * 200}, "at most 128 characters"),
        ({"download": "everything"}, "Select a valid choice."),
        ({"name": "n" * 121}, "at most 120 characters"),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
        ({"slug": "no"}, "3 to 40 small letters"),
        ({"slug": "not--so"}, "3 to 40 small letters"),
        ({"slug": "über"}, "3 to 40 small letters"),
        ({"slug": "fox", "password": ""}, "needs a password"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(
    fields: dict[str, str], sentence: str, alice: Membership, alice_client: Client, film: Generation
) -> None:
    typed = {"password": "typed with care", "name": "A name with care", **fields}
    answer = make(alice_client, alice, film, **typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert 'class="field__error"' in page
    assert not ShareLink.objects.exists()
    kept = {"name": "A name with care", "password": "typed with care"}
    assert all(f'value="{value}"' in page for name, value in kept.items() if name not in fields)
    assert f'name="g" value="{film.pk}"' in page


def test_a_name_is_one_line_and_its_signs_are_text(alice: Membership, alice_client: Client, film: Generation) -> None:
    make(alice_client, alice, film, name=' <b>"Foxes"</b>\r\n  & co ')
    link = ShareLink.objects.get()
    assert link.name == '<b>"Foxes"</b> & co'
    page = alice_client.get(shares(alice, f"{link.pk}/")).content.decode()
    assert "<b>&quot;Foxes" not in page
    assert "&lt;b&gt;&quot;Foxes" in page


def test_an_address_of_ones_own_is_small_and_taken_once(
    alice: Membership, alice_client: Client, charlie: Membership, charlie_client: Client, film: Generation
) -> None:
    assert make(alice_client, alice, film, slug="Foxes-2026", password="the fox is red").status_code == 302
    assert ShareLink.objects.get().slug == "foxes-2026"
    theirs = make_film(charlie, title="Wolves")
    refused = make(charlie_client, charlie, theirs, slug="FOXES-2026", password="the wolf is grey")
    assert refused.status_code == 422
    assert "Another link has this address." in refused.content.decode()


def test_a_last_day_ends_when_that_day_does_for_whoever_chose_it(
    alice: Membership, alice_client: Client, film: Generation
) -> None:
    alice.user.time_zone = "Pacific/Auckland"
    alice.user.save()
    day = timezone.now().date() + timedelta(days=5)
    make(alice_client, alice, film, ends="date", ends_on=str(day))
    with timezone.override("Pacific/Auckland"):
        ends = timezone.localtime(ShareLink.objects.get().expires_at)
    assert (ends.date(), ends.hour, ends.minute) == (day, 23, 59)


def test_a_policy_is_said_where_it_is_broken(alice: Membership, alice_client: Client, film: Generation) -> None:
    SharePolicy.objects.create(
        workspace=alice.workspace, most_days=14, needs_password=True, most_download=Download.WATERMARKED
    )
    page = alice_client.get(shares(alice, f"new/?g={film.pk}")).content.decode()
    assert '<option value="14" selected>' in page
    assert '<option value="30"' not in page
    assert '<option value="never"' not in page
    far = str(timezone.localdate() + timedelta(days=20))
    refused = make(alice_client, alice, film, ends="date", ends_on=far, download="raw").content.decode()
    assert "lets links live 14 days at most" in refused
    assert "demands a password on every link" in refused
    assert "download watermarked files only" in refused
    last = str(timezone.localdate() + timedelta(days=14))
    kept = make(alice_client, alice, film, ends="date", ends_on=last, password="the fox is red", download="watermarked")
    assert kept.status_code == 302


def test_zero_generations_are_not_there_and_201_are_too_many(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    many = [make_generation(connection) for _number in range(201)]
    for nothing in ("", "?g=", "?g=x", f"?g={'9' * 30}"):
        assert alice_client.get(shares(alice, f"new/{nothing}")).status_code == 404
    assert make(alice_client, alice).status_code == 404
    refused = make(alice_client, alice, *many)
    assert (refused.status_code, ShareLink.objects.count()) == (422, 0)
    assert "200 generations at most" in refused.content.decode()
    assert make(alice_client, alice, *many[:200]).status_code == 302
    assert ShareItem.objects.count() == 200


def test_generations_of_others_are_left_out_as_if_they_were_not_there(
    alice: Membership, alice_client: Client, film: Generation, charlie: Membership
) -> None:
    theirs = make_film(charlie, title="Wolves")
    alone = alice_client.get(shares(alice, f"new/?g={theirs.pk}"))
    missing = alice_client.get(shares(alice, "new/?g=999999999"))
    assert (alone.status_code, alone.content) == (404, missing.content)
    make(alice_client, alice, theirs, film)
    assert list(ShareItem.objects.values_list("generation", flat=True)) == [film.pk]


def test_private_work_is_not_shared_and_the_page_says_why(
    alice: Membership, alice_client: Client, dana: Membership, media_root: object
) -> None:
    own = make_film(alice, title="Mine alone", is_private=True)
    answer = alice_client.get(shares(alice, f"new/?g={own.pk}"))
    assert answer.status_code == 422
    assert "Private work cannot be shared." in answer.content.decode()
    assert make(alice_client, alice, own).status_code == 422
    assert not ShareLink.objects.exists()
    assert client_of(dana).get(shares(alice, f"new/?g={own.pk}")).status_code == 404


def test_the_dialog_says_when_a_marked_preview_has_to_be_made(
    alice: Membership, alice_client: Client, film: Generation
) -> None:
    sentence = "has no watermarked file"
    assert sentence not in alice_client.get(shares(alice, f"new/?g={film.pk}")).content.decode()
    film.assets.filter(role=AssetRole.WATERMARKED).delete()
    assert sentence in alice_client.get(shares(alice, f"new/?g={film.pk}")).content.decode()


def test_links_that_are_there_already_are_offered_first(
    alice: Membership, alice_client: Client, film: Generation, share: Share, dana: Membership
) -> None:
    link = share(name="The first one")
    page = alice_client.get(shares(alice, f"new/?g={film.pk}")).content.decode()
    assert "Shared already by 1 open link" in page
    assert page.index("The first one") < page.index("Make another link")
    assert shares(alice, f"{link.pk}/") in page
    others = client_of(dana).get(shares(alice, f"new/?g={film.pk}")).content.decode()
    assert "The first one" in others
    assert shares(alice, f"{link.pk}/") not in others


def test_more_is_added_to_a_link_and_taken_out_again(
    alice: Membership, alice_client: Client, film: Generation, share: Share, guest: Client
) -> None:
    link, more = share(), make_film(alice, title="More")
    added = alice_client.post(shares(alice, "add/"), {"link": link.pk, "g": [film.pk, more.pk]}, follow=True)
    assert "1 generation added." in added.content.decode()
    assert guest.get(address(link, "item", 2)).status_code == 200
    again = alice_client.post(shares(alice, "add/"), {"link": link.pk, "g": more.pk}, follow=True)
    assert "Nothing was added" in again.content.decode()
    alice_client.post(shares(alice, f"{link.pk}/take-out/"), {"number": 2})
    assert guest.get(address(link, "item", 2)).status_code == 404
    assert alice_client.post(shares(alice, f"{link.pk}/take-out/"), {"number": "x"}).status_code == 302
    for wrong in ("", "x", "999999999"):
        assert alice_client.post(shares(alice, "add/"), {"link": wrong, "g": more.pk}).status_code == 404


def test_terms_are_changed_and_a_password_is_kept_changed_or_removed(
    alice: Membership, alice_client: Client, share: Share
) -> None:
    link = share(password="the fox is red", expires_at=timezone.now() + timedelta(days=3))
    url, before = shares(alice, f"{link.pk}/"), link.expires_at
    page = alice_client.get(url).content.decode()
    assert "Password: set" in page
    assert "the fox is red" not in page
    alice_client.post(url, FORM | {"ends": "keep", "download": "raw", "view_limit": "5", "shows_details": "on"})
    link.refresh_from_db()
    assert (link.expires_at, link.download, link.view_limit, link.shows_details) == (before, "raw", 5, True)
    assert (link.has_password, link.version) == (True, 2)  # a limit that was not there sends everybody to the door
    both = alice_client.post(url, FORM | {"password": "the fox is blue", "no_password": "on"})
    assert (both.status_code, "not both" in both.content.decode()) == (422, True)
    alice_client.post(url, FORM | {"password": "the fox is blue"})
    assert press(Client(), link, "the fox is blue").status_code == 302
    alice_client.post(url, FORM | {"no_password": "on", "ends": "never"})
    link.refresh_from_db()
    assert (link.has_password, link.version, link.expires_at) == (False, 4, None)
    assert AuditEvent.objects.filter(verb="link.changed", target_id=str(link.pk)).count() == 3


def test_a_link_lives_thirty_days_longer_by_one_click_as_far_as_the_workspace_allows(
    alice: Membership, alice_client: Client, share: Share
) -> None:
    soon = timezone.now() + timedelta(days=2)
    link = share(expires_at=soon)
    url = shares(alice, f"{link.pk}/extend/")
    alice_client.post(url)
    link.refresh_from_db()
    assert link.expires_at == soon + timedelta(days=30)
    SharePolicy.objects.create(workspace=alice.workspace, most_days=10)
    refused = alice_client.post(url, follow=True).content.decode()
    assert "lets links live 10 days at most" in refused
    link.refresh_from_db()
    assert link.expires_at == soon + timedelta(days=30)


def test_a_revoked_link_is_dead_until_it_is_brought_back(
    alice: Membership, alice_client: Client, share: Share, guest: Client
) -> None:
    link = share()
    answer = alice_client.post(shares(alice, f"{link.pk}/revoke/"))
    assert answer.headers["Location"] == shares(alice)
    assert guest.get(address(link)).status_code == 404
    page = alice_client.get(shares(alice)).content.decode()
    assert "The link is revoked." in page
    assert f'action="{shares(alice, f"{link.pk}/bring-back/")}"' in page
    alice_client.post(shares(alice, f"{link.pk}/bring-back/"))
    assert guest.get(address(link)).status_code == 200
    verbs = list(AuditEvent.objects.filter(target_id=str(link.pk)).order_by("id").values_list("verb", flat=True))
    assert verbs == ["link.made", "link.revoked", "link.brought_back"]


def test_a_link_that_the_workspace_would_not_allow_now_is_not_brought_back(
    alice: Membership, alice_client: Client, share: Share, guest: Client
) -> None:
    link = share()
    alice_client.post(shares(alice, f"{link.pk}/revoke/"))
    SharePolicy.objects.create(workspace=alice.workspace, needs_password=True)
    refused = alice_client.post(shares(alice, f"{link.pk}/bring-back/"), follow=True)
    assert "demands a password on every link" in refused.content.decode()
    assert guest.get(address(link)).status_code == 404


def test_the_code_to_point_a_phone_at_is_a_picture_of_its_own(
    alice: Membership, alice_client: Client, share: Share
) -> None:
    url = shares(alice, f"{share().pk}/qr.svg")
    answer = alice_client.get(url)
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert ElementTree.fromstring(answer.content).tag.endswith("svg")
    assert "attachment" in alice_client.get(f"{url}?download=1").headers["Content-Disposition"]


def test_an_address_sealed_with_a_lost_key_is_said_to_be_unreadable(
    alice: Membership, alice_client: Client, share: Share
) -> None:
    link = share(name="Old friend")
    ShareLink.objects.filter(pk=link.pk).update(token_box=b"sealed with another key")
    page = alice_client.get(shares(alice, f"{link.pk}/"))
    assert page.status_code == 200
    assert "The address of this link cannot be shown." in page.content.decode()
    assert "Address cannot be read" in alice_client.get(shares(alice)).content.decode()
    assert alice_client.get(shares(alice, f"{link.pk}/qr.svg")).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
def test_who_may_not_share_is_refused_everywhere(role: Role, alice: Membership, film: Generation, share: Share) -> None:
    link, looker = share(), client_of(make_member("Bob Brown", role=role, workspace=alice.workspace))
    assert looker.get(shares(alice)).status_code == 403
    assert looker.get(shares(alice, f"new/?g={film.pk}")).status_code == 403
    assert make(looker, alice, film).status_code == 403
    assert looker.get(shares(alice, f"{link.pk}/qr.svg")).status_code == 403
    for act in (f"{link.pk}/", f"{link.pk}/extend/", f"{link.pk}/revoke/", "revoke/", "add/"):
        assert looker.post(shares(alice, act), {"link": link.pk}).status_code == 403
    assert "Share links" not in looker.get(f"/w/{alice.workspace.slug}/").content.decode()


def test_a_member_sees_the_links_of_others_and_changes_only_ones_own(
    alice: Membership, film: Generation, share: Share, dana: Membership
) -> None:
    theirs, browser = share(name="Made by Alice"), client_of(dana)
    make(browser, dana, film, name="Made by Dana")
    own = ShareLink.objects.get(created_by=dana.user)
    page = browser.get(shares(dana)).content.decode()
    assert "Made by Alice" in page
    assert "Change the link Made by Dana" in page
    assert "Change the link Made by Alice" not in page
    for act in ("", "extend/", "revoke/", "bring-back/", "take-out/"):
        assert browser.post(shares(dana, f"{theirs.pk}/{act}"), FORM).status_code == 403
        assert browser.post(shares(dana, f"{own.pk}/{act}"), FORM | {"number": 99}).status_code == 302
    assert browser.get(shares(dana, f"{theirs.pk}/")).status_code == 403


def test_ticked_links_end_together_or_not_at_all(
    alice: Membership, alice_client: Client, share: Share, film: Generation, dana: Membership, guest: Client
) -> None:
    theirs = share()
    make(client_of(dana), dana, film)
    own = ShareLink.objects.get(created_by=dana.user)
    ticked = {"link": [own.pk, theirs.pk]}
    assert client_of(dana).post(shares(dana, "revoke/"), ticked).status_code == 403
    assert ShareLink.objects.filter(revoked_at=None).count() == 2
    alice_client.post(shares(alice, "revoke/"), ticked)
    assert not ShareLink.objects.filter(revoked_at=None).exists()
    page = alice_client.get(shares(alice)).content.decode()
    assert "2 links are revoked." in page
    alice_client.post(shares(alice, f"bring-back/?link={own.pk}&link={theirs.pk}"))
    assert ShareLink.objects.filter(revoked_at=None).count() == 2
    assert guest.get(address(theirs)).status_code == 200


def test_a_stranger_finds_nothing_and_changes_nothing(
    alice: Membership, share: Share, charlie: Membership, charlie_client: Client
) -> None:
    link = share()
    missing = charlie_client.get("/w/no-such-workspace/shares/")
    for path in ("", f"{link.pk}/", f"{link.pk}/qr.svg", "new/?g=1"):
        answer = charlie_client.get(shares(alice, path))
        assert (answer.status_code, answer.content) == (404, missing.content)
    for path in (f"{link.pk}/revoke/", "revoke/", f"{link.pk}/", "add/"):
        assert charlie_client.post(shares(alice, path), FORM | {"link": link.pk}).status_code == 404
    inside = charlie_client.post(shares(charlie, f"{link.pk}/revoke/"))
    assert inside.content == charlie_client.post(shares(charlie, "999999999/revoke/")).content
    charlie_client.post(shares(charlie, "revoke/"), {"link": link.pk})
    link.refresh_from_db()
    assert link.revoked_at is None


def test_a_removed_members_links_stay_and_are_pointed_at(
    alice: Membership, alice_client: Client, film: Generation, dana: Membership, guest: Client
) -> None:
    remove = f"/w/{alice.workspace.slug}/settings/members/{dana.pk}/remove/"
    assert "goes on working" not in alice_client.get(remove).content.decode()
    make(client_of(dana), dana, film, name="Made by Dana")
    page = alice_client.get(remove).content.decode()
    assert "1 open share link of theirs goes on working." in page
    assert f"{shares(alice)}?by={dana.user.pk}" in page
    alice_client.post(remove)
    assert guest.get(address(ShareLink.objects.get())).status_code == 200
    table = alice_client.get(f"{shares(alice)}?by={dana.user.pk}").content.decode()
    assert "Made by Dana" in table
    assert client_of(dana).post(shares(alice, "revoke/"), {"link": ShareLink.objects.get().pk}).status_code == 404


def test_what_is_thrown_away_is_no_longer_shown_or_offered(
    alice: Membership, alice_client: Client, film: Generation, share: Share
) -> None:
    link = share(name="")
    generations.trash([film], actor_id=alice.user.pk, now=NOW)
    assert alice_client.get(shares(alice, f"new/?g={film.pk}")).status_code == 404
    assert "Foxes" not in alice_client.get(shares(alice, f"{link.pk}/")).content.decode()
    assert "Nothing to show" in alice_client.get(shares(alice)).content.decode()
