"""What other sites are told about a link, and what they may show of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings

from lumaboard.accounts.models import Membership
from lumaboard.accounts.tokens import new_token
from lumaboard.generations import operations as generations
from lumaboard.generations.models import AssetRole, Generation
from lumaboard.sharing import operations
from lumaboard.sharing.models import Download, ShareLink, SharePolicy
from tests.factories import NOW, acting, make_kept_asset
from tests.sharing.browsing import address, body_of, make_film, press

Share = Callable[..., ShareLink]
SITE = "https://example.com"
PUBLIC = "https://board.northlight.example"
NASTY = "\"><script>alert('x')</script> & \x0b]]> \n 日本 <b"


@pytest.fixture(autouse=True)
def public_url(settings: Settings) -> None:
    settings.PUBLIC_URL = PUBLIC


@pytest.fixture
def allow(alice: Membership) -> None:
    """The workspace lets one site show its films."""
    SharePolicy.objects.create(workspace=alice.workspace, embed_sites=[SITE])


@pytest.fixture
def social(film: Generation) -> bytes:
    """The film's picture for chats."""
    drawn = io.BytesIO()
    Image.new("RGB", (1200, 630), "teal").save(drawn, "JPEG")
    make_kept_asset(film, drawn.getvalue(), role=AssetRole.SOCIAL, extension="jpg")
    return drawn.getvalue()


class Head(HTMLParser):
    """The tags that a page has for other sites."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.told: dict[str, str] = {}
        self.oembed: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "meta" and (name := has.get("property") or has.get("name")):
            assert name not in self.told
            self.told[name] = has["content"]
        if tag == "link" and has.get("rel") == "alternate":
            self.oembed[has["type"]] = has["href"]


def head_of(guest: Client, url: str) -> Head:
    return Head(guest.get(url).content.decode())


def ask(guest: Client, link: ShareLink, **query: Any) -> dict[str, Any]:
    answer = guest.get(address(link, "oembed"), query)
    assert answer.status_code == 200
    return dict(json.loads(answer.content))


# Tags --


def test_a_page_tells_chats_its_title_picture_and_film(share: Share, guest: Client) -> None:
    link = share(name="For the client", download=Download.RAW)
    told = head_of(guest, address(link)).told
    assert told["og:title"] == told["twitter:title"] == "For the client"
    assert told["og:description"] == f"A film from {link.workspace.name}"
    assert told["og:site_name"] == link.workspace.name
    assert (told["og:type"], told["og:url"]) == ("video.other", PUBLIC + address(link))
    assert told["og:image"] == told["og:image:secure_url"] == PUBLIC + address(link, "card")
    assert (told["og:image:width"], told["og:image:height"], told["og:image:type"]) == ("1200", "630", "image/jpeg")
    assert told["og:video"] == told["og:video:secure_url"] == PUBLIC + address(link, "film", 1)
    assert (told["og:video:type"], told["twitter:card"]) == ("video/mp4", "summary_large_image")
    assert int(told["og:video:width"]) > int(told["og:video:height"]) > 0
    assert not [word for word in ("Foxes", "snow") if word in str(told)]


@pytest.mark.parametrize(("name", "title"), [("", "Foxes, take 3"), ("For the client", "For the client")])
def test_chats_call_a_film_what_its_page_calls_it(name: str, title: str, share: Share, guest: Client) -> None:
    page = guest.get(address(share(name=name, shows_details=True))).content.decode()
    assert Head(page).told["og:title"] == title
    assert f"<h1>{title}</h1>" in page


def test_a_page_tells_chats_the_prompt_where_it_shows_it(share: Share, alice: Membership, guest: Client) -> None:
    long = make_film(alice, title="Long", prompt="One\n two " + "and more " * 400)
    described = head_of(guest, address(share(long, shows_details=True))).told["og:description"]
    assert described.startswith("One two and more")
    assert len(described) == 200


def test_a_page_of_several_tells_of_the_one_it_shows(
    share: Share, alice: Membership, film: Generation, guest: Client
) -> None:
    link = share(film, make_film(alice, title="Second"), name="Spring")
    whole, second = head_of(guest, address(link)).told, head_of(guest, address(link, "item", 2)).told
    assert (whole["og:title"], whole["og:description"]) == ("Spring", f"2 films from {link.workspace.name}")
    assert second["og:title"] == "2 of 2 · Spring"
    assert second["og:url"] == PUBLIC + address(link, "item", 2)
    assert second["og:image"] == PUBLIC + address(link, "item_card", 2)
    assert second["og:video"] == PUBLIC + address(link, "film", 2)


def test_a_picture_is_no_video(share: Share, film: Generation, guest: Client) -> None:
    Generation.objects.filter(pk=film.pk).update(media_kind="image")
    told = head_of(guest, address(share())).told
    assert told["og:type"] == "website"
    assert "og:video" not in told
    assert told["og:description"].startswith("A picture from")


@pytest.mark.usefixtures("allow")
def test_a_player_is_offered_where_sites_are_allowed(share: Share, guest: Client) -> None:
    link = share()
    told = head_of(guest, address(link)).told
    assert (told["twitter:card"], told["twitter:player"]) == ("player", PUBLIC + address(link, "embed"))
    assert told["twitter:player:width"] == told["og:video:width"]


def test_text_of_strangers_is_text_in_every_tag(share: Share, alice: Membership, guest: Client) -> None:
    type(alice.workspace).objects.filter(pk=alice.workspace.pk).update(name=NASTY[:60])
    link = share(make_film(alice, prompt=NASTY), name=NASTY, shows_details=True)
    page = guest.get(address(link)).content.decode()
    told = Head(page).told
    assert "<script" not in page
    assert told["og:title"] == told["og:image:alt"] == " ".join(NASTY.split())
    assert told["og:description"] == " ".join(NASTY.split())
    assert told["og:site_name"] == NASTY[:60]


def test_another_public_address_changes_every_link(share: Share, guest: Client, settings: Settings) -> None:
    link = share()
    settings.PUBLIC_URL = "http://board.lan:8080"
    head = head_of(guest, address(link))
    absolute = [told for told in (*head.told.values(), *head.oembed.values()) if "//" in told]
    assert len(absolute) == 6
    assert all(told.startswith("http://board.lan:8080/s/") for told in absolute)
    assert "og:video:secure_url" not in head.told
    answer = ask(guest, link)
    assert answer["provider_url"] == "http://board.lan:8080/"
    assert answer["thumbnail_url"].startswith("http://board.lan:8080/s/")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1"])
def test_the_name_somebody_asks_under_is_told_to_nobody(
    host: str, share: Share, guest: Client, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    link = share()
    for name in ("page", "oembed", "embed"):
        assert host not in guest.get(address(link, name), headers={"Host": host}).content.decode()


@pytest.mark.parametrize("terms", [{"password": "a long password"}, {"view_limit": 3}])
@pytest.mark.usefixtures("allow", "social")
def test_what_has_a_door_tells_nothing(terms: dict[str, Any], share: Share, guest: Client) -> None:
    link, neutral = share(name="Secret name", shows_details=True, **terms), neutral_card(guest)
    workspace = link.workspace.name

    def told_elsewhere() -> str:
        card = guest.get(address(link, "card"))
        assert (body_of(card), dict(card.headers)) == neutral
        answers = [
            guest.get(address(link, name), query) for name in ("oembed", "embed") for query in ({}, {"format": "xml"})
        ]
        assert {answer.status_code for answer in answers} == {200}
        return "".join(answer.content.decode() + str(answer.headers) for answer in answers)

    def secrets_in(told: str) -> list[str]:
        return [word for word in ("Secret name", workspace, "Foxes", "<video", "film", SITE) if word in told]

    assert secrets_in(told_elsewhere()) == []
    told = head_of(guest, address(link)).told
    assert secrets_in(str(told)) == []
    assert told["og:image"] == PUBLIC + address(link, "card")
    assert guest.get(address(link, "item_embed", 1)).status_code == 200
    assert guest.get(address(link, "oembed"), {"url": PUBLIC + address(link, "item", 1)}).status_code == 404
    press(guest, link, terms.get("password", ""))
    assert "<video" in guest.get(address(link)).content.decode()
    assert secrets_in(told_elsewhere()) == []
    assert secrets_in(str(head_of(guest, address(link)).told)) == []


# The card --


def neutral_card(guest: Client) -> tuple[bytes, dict[str, str]]:
    answer = guest.get(reverse("sharing:card", args=[new_token()]))
    assert answer.status_code == 200
    return body_of(answer), dict(answer.headers)


@pytest.mark.usefixtures("film")
def test_a_card_is_the_films_own_picture(share: Share, social: bytes, guest: Client) -> None:
    link = share()
    for name, arguments in (("card", ()), ("item_card", (1,))):
        answer = guest.get(address(link, name, *arguments))
        assert body_of(answer) == social
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert not answer.cookies
        assert "Access-Control-Allow-Origin" not in answer.headers
    again = guest.get(address(link, "card"), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("size", [(600, 315), (300, 158)])
@pytest.mark.usefixtures("social")
def test_a_card_comes_smaller(size: tuple[int, int], share: Share, guest: Client) -> None:
    link = share()
    for url in (address(link, "card"), reverse("sharing:card", args=[new_token()])):
        answer = guest.get(url, {"width": size[0]})
        assert Image.open(io.BytesIO(body_of(answer))).size == size
        assert answer.headers["ETag"] != guest.get(url).headers["ETag"]


@pytest.mark.parametrize("width", ["", "0", "-600", "601", "99999999999999999999", "x"])
def test_a_card_comes_in_no_other_size(width: str, share: Share, social: bytes, guest: Client) -> None:
    assert body_of(guest.get(address(share(), "card"), {"width": width})) == social


def test_every_dead_link_has_the_same_neutral_card(
    share: Share, social: bytes, alice: Membership, film: Generation, guest: Client
) -> None:
    neutral, revoked, expired, used_up = neutral_card(guest), share(), share(), share(view_limit=1)
    operations.revoke(acting(alice), [revoked], now=NOW)
    ShareLink.objects.filter(pk=expired.pk).update(expires_at=NOW - timedelta(days=99))
    ShareLink.objects.filter(pk=used_up.pk).update(view_count=1)
    in_trash, unmade = share(film), share(make_film(alice, title="Without a picture"))
    generations.trash([film], actor_id=alice.user.pk, now=NOW)
    for link in (revoked, expired, used_up, in_trash, unmade):
        for name, arguments in (("card", ()), ("item_card", (1,)), ("item_card", (99,))):
            answer = guest.get(address(link, name, *arguments))
            assert (body_of(answer), dict(answer.headers)) == neutral
    assert Image.open(io.BytesIO(neutral[0])).size == (1200, 630)
    assert neutral[0] != social


@pytest.mark.usefixtures("db")
def test_a_dead_page_has_a_neutral_card_as_well(guest: Client) -> None:
    told = head_of(guest, reverse("sharing:page", args=[new_token()])).told
    picture = told["og:image"].removeprefix(PUBLIC)
    assert body_of(guest.get(picture)) == neutral_card(guest)[0]


# oEmbed --


@pytest.mark.usefixtures("allow")
def test_a_film_is_a_video_that_other_sites_can_show(share: Share, guest: Client) -> None:
    link = share(name="For the client")
    answer = ask(guest, link)
    html = answer.pop("html")
    assert answer == {
        "version": "1.0",
        "type": "video",
        "title": "For the client",
        "provider_name": link.workspace.name,
        "provider_url": f"{PUBLIC}/",
        "cache_age": 300,
        "thumbnail_url": PUBLIC + address(link, "card"),
        "thumbnail_width": 1200,
        "thumbnail_height": 630,
        "width": 1280,
        "height": 720,
    }
    assert html.startswith(f'<iframe src="{PUBLIC}{address(link, "embed")}" width="1280" height="720"')
    assert "allow-scripts" not in html


def test_where_no_site_is_allowed_a_film_is_a_link_with_a_picture(share: Share, guest: Client) -> None:
    answer = ask(guest, share())
    assert (answer["type"], answer["thumbnail_width"]) == ("link", 1200)
    assert not {"html", "width", "height"} & set(answer)


def test_a_picture_is_a_photo_in_the_size_there_is_room_for(share: Share, film: Generation, guest: Client) -> None:
    Generation.objects.filter(pk=film.pk).update(media_kind="image")
    link = share()
    answer = ask(guest, link, maxwidth="800")
    assert (answer["type"], answer["width"], answer["height"]) == ("photo", 600, 315)
    assert answer["url"] == answer["thumbnail_url"] == f"{PUBLIC}{address(link, 'card')}?width=600"
    assert ask(guest, link, maxwidth="200")["type"] == "link"


@pytest.mark.parametrize(
    ("shape", "room", "expected"),
    [
        ((1920, 1080), {"maxwidth": "640"}, (640, 360)),
        ((1920, 1080), {"maxheight": "360"}, (640, 360)),
        ((1920, 1080), {"maxwidth": "640", "maxheight": "90"}, (160, 90)),
        ((1080, 1920), {"maxwidth": "640", "maxheight": "640"}, (360, 640)),
        ((1000, 999), {"maxwidth": "333"}, (333, 332)),
        ((1920, 1080), {"maxwidth": "1"}, (1, 1)),
        ((1920, 1080), {"maxwidth": "999999999999999999"}, (1920, 1080)),
        *(((1920, 1080), {"maxwidth": odd}, (1920, 1080)) for odd in ("0", "-5", "", "wide", "1e3", "9" * 40, "६४०")),
    ],
)
@pytest.mark.usefixtures("allow")
def test_a_player_fits_into_the_room_there_is(
    shape: tuple[int, int],
    room: dict[str, str],
    expected: tuple[int, int],
    share: Share,
    film: Generation,
    guest: Client,
) -> None:
    Generation.objects.filter(pk=film.pk).update(width=shape[0], height=shape[1])
    answer = ask(guest, share(), **room)
    assert (answer["width"], answer["height"]) == expected
    assert f'width="{expected[0]}" height="{expected[1]}"' in answer["html"]


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        ({}, (1200, 630)),
        ({"maxwidth": "1199"}, (600, 315)),
        ({"maxheight": "629"}, (600, 315)),
        ({"maxwidth": "1200", "maxheight": "314"}, (300, 158)),
        ({"maxwidth": "299"}, (None, None)),
        ({"maxwidth": "0", "maxheight": "-1"}, (1200, 630)),
    ],
)
@pytest.mark.usefixtures("social")
def test_a_thumbnail_fits_as_well(
    room: dict[str, str], expected: tuple[int | None, int | None], share: Share, guest: Client
) -> None:
    answer = ask(guest, share(), **room)
    assert (answer.get("thumbnail_width"), answer.get("thumbnail_height")) == expected
    if expected[0] is not None:
        picture = body_of(guest.get(answer["thumbnail_url"].removeprefix(PUBLIC)))
        assert Image.open(io.BytesIO(picture)).size == expected


@pytest.mark.usefixtures("allow")
def test_xml_says_the_same_as_json_whatever_the_names_hold(share: Share, guest: Client) -> None:
    link = share(name=NASTY)
    told = ask(guest, link)
    answer = guest.get(address(link, "oembed"), {"format": "xml"})
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "oembed"
    assert {child.tag: child.text for child in root} == {
        name: str(value).replace("\x0b", "") for name, value in told.items()
    }
    assert told["title"] == " ".join(NASTY.split())
    assert "<script" not in told["html"]


def test_the_page_says_where_its_oembed_is(share: Share, alice: Membership, film: Generation, guest: Client) -> None:
    link = share(film, make_film(alice, title="Second"))
    for url, title in ((address(link), f"From {link.workspace.name}"), (address(link, "item", 2), "2 of 2")):
        for kind, href in head_of(guest, url).oembed.items():
            answer = guest.get(href.removeprefix(PUBLIC))
            assert answer.status_code == 200
            assert answer.headers["Content-Type"].startswith(kind.removesuffix("+oembed"))
            assert title in answer.content.decode()


def test_oembed_answers_for_pages_of_its_own_link_only(share: Share, guest: Client) -> None:
    link, other = share(), share()
    own = ["http://old.example" + address(link), address(link, "item", 1)]
    foreign = ["", "x", "http://[", PUBLIC + address(other), f"{PUBLIC}/", PUBLIC + address(link, "film", 1)]
    statuses = {url: guest.get(address(link, "oembed"), {"url": url}).status_code for url in own + foreign}
    assert statuses == dict.fromkeys(own, 200) | dict.fromkeys(foreign, 404)


@pytest.mark.parametrize("kind", ["", "jsonp", "JSON", "xml "])
def test_another_format_is_not_implemented(kind: str, share: Share, guest: Client) -> None:
    assert guest.get(address(share(), "oembed"), {"format": kind}).status_code == 501


def test_oembed_reflects_no_origin_and_is_not_kept(share: Share, guest: Client) -> None:
    answer = guest.get(address(share(), "oembed"), headers={"Origin": SITE})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not answer.cookies


# Frames --


@pytest.mark.usefixtures("allow")
def test_a_frame_holds_the_film_and_the_way_to_its_page(share: Share, guest: Client) -> None:
    link = share(name="For the client", download=Download.RAW)
    answer = guest.get(address(link, "embed"))
    page = answer.content.decode()
    assert f'src="{address(link, "film", 1)}"' in page
    assert f'poster="{address(link, "poster", 1)}"' in page
    assert f'href="{PUBLIC}{address(link)}"' in page
    assert not [word for word in ("<form", "<script", "Download", "csrf", "Foxes") if word in page]


@pytest.mark.parametrize(
    ("sites", "ancestors"),
    [
        ([], "'none'"),
        ([SITE], SITE),
        ([SITE, "https://*.example.org:8443"], f"{SITE} https://*.example.org:8443"),
        (["https://example.com; script-src *", "*", "", None, 7, "http://example.com", SITE], SITE),
    ],
)
def test_only_the_sites_of_the_workspace_may_show_a_frame(
    sites: list[Any], ancestors: str, share: Share, alice: Membership, guest: Client
) -> None:
    SharePolicy.objects.create(workspace=alice.workspace, embed_sites=sites)
    answer = guest.get(address(share(), "embed"))
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert rules["frame-ancestors"] == ancestors
    assert rules["default-src"] == rules["form-action"] == rules["base-uri"] == rules["object-src"] == "'none'"
    assert "script-src" not in rules
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == ("no-store", "noindex")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not answer.cookies


def test_other_pages_of_a_link_are_shown_in_no_frame(share: Share, guest: Client) -> None:
    answer = guest.get(address(share()))
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_dead_frames_are_all_alike_and_tell_nothing(share: Share, alice: Membership, guest: Client) -> None:
    expected = guest.get(reverse("sharing:embed", args=[new_token()]))
    revoked = share()
    operations.revoke(acting(alice), [revoked], now=NOW)
    for url in (address(revoked, "embed"), address(revoked, "item_embed", 1), address(share(), "item_embed", 9)):
        answer = guest.get(url)
        assert (answer.status_code, answer.content) == (404, expected.content)
        assert dict(answer.headers) == dict(expected.headers)


@pytest.mark.usefixtures("allow")
def test_a_film_in_a_frame_counts_as_a_view_and_once_with_its_page(share: Share, guest: Client) -> None:
    link = share()
    for name in ("oembed", "card", "embed", "embed", "page"):
        guest.get(address(link, name))
    link.refresh_from_db()
    assert link.view_count == 1


@pytest.mark.parametrize("name", ["card", "oembed", "embed"])
@pytest.mark.usefixtures("allow", "social")
def test_telling_costs_three_queries_however_much_a_link_shows(
    name: str,
    share: Share,
    alice: Membership,
    film: Generation,
    guest: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    link = share(film, *(make_film(alice, title=f"Take {number}") for number in range(8)))
    with django_assert_num_queries(3):
        assert guest.head(address(link, name)).status_code == 200
