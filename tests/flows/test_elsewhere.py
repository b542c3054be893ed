"""A link that is pasted into chats and sites which are none of ours."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
from metadata_parser import MetadataParser
from micawber import Provider
from PIL import Image
from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer

from tests.browser import Console
from tests.flows.stack import Team, wait_for

NAME = 'Fox & "Friends" <final>'
SITE = "<!doctype html><title>A site</title><h1>Our new film</h1>{}"


def fetch(url: str, **headers: str) -> tuple[bytes, str]:
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return answer.read(), answer.headers["Content-Type"]


def allow(team: Team, *sites: str) -> None:
    inside = team.stack.inside
    inside.call("allow_sites", workspace_id=team.workspace_id, user_id=team.alice.pk, sites=sites)


def test_programs_that_know_nothing_of_us_read_title_picture_film_provider_and_player(team: Team) -> None:
    clip = team.track_a_safe_clip()
    allow(team, "https://example.com")
    link = team.share(clip, name=NAME, download="raw")

    page = MetadataParser(url=link.url).parsed_result
    assert page.is_opengraph_minimum()
    told = page.metadata["og"]
    assert (told["title"], told["type"], told["url"]) == (NAME, "video.other", link.url)
    card, card_type = fetch(told["image"])
    assert Image.open(io.BytesIO(card)).size == (int(told["image:width"]), int(told["image:height"])) == (1200, 630)
    assert card_type == told["image:type"] == "image/jpeg"
    film, film_type = fetch(told["video"], Range="bytes=0-99")
    assert (len(film), film_type) == (100, "video/mp4")
    assert film_type == told["video:type"]
    assert int(told["video:width"]) > int(told["video:height"]) > 0

    found = {tag["type"]: tag["href"] for tag in page.soup.find_all("link", rel="alternate")}
    answer = Provider(found["application/json+oembed"].split("?")[0]).request(link.url, maxwidth=80)
    assert (answer["version"], answer["type"], answer["title"]) == ("1.0", "video", NAME)
    assert answer["provider_name"] == told["site_name"]
    assert answer["provider_url"] == f"{team.stack.url}/"
    assert (answer["width"], answer["height"]) == (80, 45)
    assert answer["html"].startswith(f'<iframe src="{link.url}embed/" width="80" height="45"')
    in_xml = ElementTree.fromstring(fetch(found["text/xml+oembed"])[0])
    assert in_xml.findtext("title") == NAME


def test_programs_read_nothing_of_a_link_with_a_password(team: Team) -> None:
    link = team.share(team.track_a_safe_clip(), name=NAME, password="the fox is red")
    page = MetadataParser(url=link.url).parsed_result
    told = page.metadata["og"]
    assert (told["title"], told["type"]) == ("This page is protected", "website")
    assert not [name for name in told if name.startswith(("video", "site_name"))]
    assert fetch(told["image"]) == fetch(f"{team.stack.url}/s/no-such-link/card.jpg")
    answer = Provider(f"{link.url}oembed").request(link.url)
    assert (answer["type"], answer["title"], answer["provider_name"]) == ("link", "This page is protected", "Lumaboard")


@pytest.fixture
def site(httpserver: HTTPServer) -> Callable[[str], int]:
    """Somebody else's page with this in it; the answer is its port, which is another origin under each name of this machine."""

    def serve(html: str) -> int:
        httpserver.expect_request("/").respond_with_data(SITE.format(html), content_type="text/html; charset=utf-8")
        httpserver.expect_request("/favicon.ico").respond_with_data(b"")
        return httpserver.port

    return serve


@pytest.mark.browser
def test_a_film_plays_in_a_frame_of_an_allowed_site_and_of_no_other(
    team: Team, new_page: Callable[..., Page], console: Console, site: Callable[[str], int], httpserver: HTTPServer
) -> None:
    allow(team, f"http://localhost:{httpserver.port}")
    link = team.share(team.track_a_safe_clip(), name=NAME)
    port = site(Provider(f"{link.url}oembed").request(link.url)["html"])

    console.expected.append("Blocked script execution")  # what Playwright itself tries in a frame that runs none
    page = new_page()
    page.goto(f"http://localhost:{port}/")
    frame = page.frame_locator("iframe")
    video = frame.locator("video")
    video.evaluate("video => { video.muted = true; return video.play() }")
    wait_for(lambda: video.evaluate("video => video.currentTime") > 0.1, what="playing")
    assert page.context.cookies() == []
    with page.expect_popup() as opened:
        frame.get_by_role("link", name=NAME).click()
    expect(opened.value.get_by_role("heading", name=NAME)).to_be_visible()

    console.expected += ["Framing", "Refused to frame"]
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"http://127.0.0.1:{port}/")
    expect(page.frame_locator("iframe").locator("video")).to_have_count(0)


@pytest.mark.browser
def test_a_frame_of_a_locked_link_leads_to_its_page(
    team: Team, new_page: Callable[..., Page], site: Callable[[str], int]
) -> None:
    link = team.share(team.track_a_safe_clip(), name=NAME, password="the fox is red")
    page = new_page()
    port = site(f'<iframe src="{link.url}embed/"></iframe>')
    page.goto(f"http://localhost:{port}/")
    with page.expect_popup() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Open this page to watch").click()
    expect(opened.value.get_by_label("Password")).to_be_visible()
