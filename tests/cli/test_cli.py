"""The command line client against a board on a real socket."""

from __future__ import annotations

import hashlib
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lumaboard.accounts.models import Membership
from lumaboard.cli.main import main
from lumaboard.generations.models import Generation, State
from lumaboard.sharing.models import ShareLink
from lumaboard.submission.models import Intent, Kinship, Lineage
from tests.factories import make_connection, make_generation, make_kept_asset, make_token
from tests.media.samples import picture_bytes
from tests.submission.conftest import Serve, connection_at, making, saying_json
from tests.submission.conftest import serve as serve  # the fixture

pytestmark = pytest.mark.django_db(transaction=True)
ID = "ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"
FILM = b"a film of some bytes" * 1000


class Terminal:
    """What somebody types, and what the command says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        monkeypatch.delenv("BOARD_URL", raising=False)
        monkeypatch.delenv("BOARD_TOKEN", raising=False)
        monkeypatch.chdir(folder)

    def run(self, *arguments: str, text: str = "", code: int = 0) -> str:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(text))
        ended = main(arguments)
        said = self._capsys.readouterr()
        assert ended == code, said
        return said.out if code == 0 else said.out + said.err


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def signed_in(terminal: Terminal, alice: Membership, live_server: Any) -> Terminal:
    token = make_token(alice, "read", "track", "share").token
    terminal.run("login", live_server.url, text=token)
    return terminal


def test_login_keeps_the_token_where_nobody_else_reads_it(
    terminal: Terminal, alice: Membership, live_server: Any
) -> None:
    token = make_token(alice, "read").token
    said = terminal.run("login", live_server.url + "/", text=f"{token}\n")
    kept = terminal.folder / "config" / "lumaboard" / "config.json"
    assert "Alice Adams" in said
    assert token not in said
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()) == {"url": live_server.url, "token": token}


def test_a_wrong_token_is_not_kept(terminal: Terminal, db: None, live_server: Any) -> None:
    assert "Send a token that works" in terminal.run("login", live_server.url, text="lb_wrong", code=1)
    assert not (terminal.folder / "config").exists()


def test_without_a_login_or_a_board_it_says_so(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Sign in first" in terminal.run("list", code=1)
    monkeypatch.setenv("BOARD_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("BOARD_TOKEN", "lb_x")
    assert "cannot be reached" in terminal.run("list", code=5)


def test_tracking_takes_ids_or_any_text(signed_in: Terminal, alice: Membership) -> None:
    make_connection(alice.workspace)
    assert "would track" in signed_in.run("track", "--dry-run", ID)
    assert not Generation.objects.exists()
    assert f"tracked  {ID}" in signed_in.run("track", text=f"curl https://x.example/generations/{ID}")
    assert json.loads(signed_in.run("track", "--json", ID))["known"][0]["task_id"] == ID


def test_listing_shows_as_many_as_asked_over_pages(signed_in: Terminal, alice: Membership) -> None:
    connection = make_connection(alice.workspace)
    for _ in range(3):
        make_generation(connection)
    assert len(signed_in.run("list", "--limit", "2").splitlines()) == 2
    assert len(json.loads(signed_in.run("list", "--json", "--state", "in-progress"))) == 3


def test_waiting_ends_with_what_became_of_it(signed_in: Terminal, alice: Membership) -> None:
    connection = make_connection(alice.workspace)
    good = make_generation(connection, state=State.SUCCEEDED)
    bad = make_generation(connection, state=State.FAILED)
    slow = make_generation(connection)
    assert "succeeded" in signed_in.run("wait", str(good.pk), good.task_id)
    signed_in.run("wait", str(good.pk), str(bad.pk), code=3)
    assert "Not done" in signed_in.run("wait", str(slow.pk), "--timeout", "0", code=4)


def test_a_download_is_checked_and_not_repeated(signed_in: Terminal, alice: Membership) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED)
    make_kept_asset(row, FILM)
    for _ in range(2):
        path = Path(signed_in.run("get", str(row.pk), "--download").strip())
        assert path.read_bytes() == FILM
    assert [one.name for one in signed_in.folder.glob("*raw*")] == [path.name]
    path.write_bytes(b"another")
    assert "another file" in signed_in.run("get", str(row.pk), "--download", str(path), code=1)


def test_a_download_makes_the_folder_that_a_slash_names(signed_in: Terminal, alice: Membership) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED)
    make_kept_asset(row, FILM)
    told = signed_in.run("get", str(row.pk), "--download", "films/harbour/")
    assert told.strip() == f"films/harbour/{row.pk}-raw.mp4"
    assert (signed_in.folder / told.strip()).read_bytes() == FILM
    signed_in.run("get", str(row.pk), "--download", "new/film.mp4")
    assert (signed_in.folder / "new" / "film.mp4").read_bytes() == FILM
    said = signed_in.run("get", str(row.pk), "--download", "new/film.mp4/", code=1)
    assert "cannot be made" in said


def test_a_number_that_nothing_has_is_named(signed_in: Terminal, alice: Membership) -> None:
    for command in ("get", "wait", "share"):
        assert "There is no generation 999999." in signed_in.run(command, "999999", code=1)


def test_a_cut_download_goes_on_where_it_was_cut(terminal: Terminal, httpserver: HTTPServer) -> None:
    asked: list[str] = []

    def bytes_of(request: Request) -> Response:
        asked.append(request.headers.get("Range", ""))
        start = int(asked[-1][6:-1] or 0) if asked[-1] else 0
        sent = FILM[start:] if len(asked) == 3 else FILM[start : start + 7000]
        return Response(sent, status=206 if start else 200)

    answer_with_a_film(httpserver, hashlib.sha256(FILM).hexdigest())
    httpserver.expect_request("/api/v1/file").respond_with_handler(bytes_of)
    terminal.run("login", httpserver.url_for(""), text="lb_x")
    terminal.run("get", "1", "--download", "film.mp4")
    assert (terminal.folder / "film.mp4").read_bytes() == FILM
    assert asked == ["", "bytes=7000-", "bytes=14000-"]


def test_bytes_that_are_not_the_file_are_thrown_away(terminal: Terminal, httpserver: HTTPServer) -> None:
    answer_with_a_film(httpserver, "0" * 64)
    httpserver.expect_request("/api/v1/file").respond_with_data(FILM)
    terminal.run("login", httpserver.url_for(""), text="lb_x")
    assert "checksum" in terminal.run("get", "1", "--download", "film.mp4", code=3)
    assert not list(terminal.folder.glob("film*"))


def test_a_redirect_gets_no_token(terminal: Terminal, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v1/me").respond_with_data("", 302, {"Location": httpserver.url_for("/elsewhere")})
    assert "no answer of a board" in terminal.run("login", httpserver.url_for(""), text="lb_x", code=1)
    assert [request.path for request, _ in httpserver.log] == ["/api/v1/me"]


def answer_with_a_film(server: HTTPServer, sha256: str) -> None:
    me = {"person": {"name": "Alice"}, "workspace": {"name": "Northlight"}}
    asset = {"role": "raw", "url": "/api/v1/file", "size": len(FILM), "sha256": sha256, "content_type": "video/mp4"}
    server.expect_request("/api/v1/me").respond_with_json(me)
    server.expect_request("/api/v1/generations/1").respond_with_json({"id": 1})
    server.expect_request("/api/v1/generations/1/assets").respond_with_json({"items": [asset]})


def test_sharing_prints_the_link(signed_in: Terminal, alice: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    row = make_generation(make_connection(alice.workspace), created_by=alice.user)
    monkeypatch.setenv("LINK_PASSWORD", "open sesame")
    terms = ("--name", "For the client", "--days", "7", "--views", "3", "--password-env", "LINK_PASSWORD")
    said = signed_in.run("share", str(row.pk), *terms)
    link = ShareLink.objects.get()
    assert "/s/" in said
    assert (link.name, link.view_limit, link.has_password) == ("For the client", 3, True)


def test_make_has_films_made_once_and_says_their_numbers(
    terminal: Terminal, alice: Membership, live_server: Any, serve: Serve
) -> None:
    server = serve(making())
    connection_at(alice, server.url)
    terminal.run("login", live_server.url, text=make_token(alice, "submit", "read").token)
    asked = ("make", "A quiet harbour", "--takes", "2", "--format", "9:16", "--key", "once")
    said = terminal.run(*asked)
    assert terminal.run(*asked) == said
    assert sorted(map(int, said.split())) == sorted(Generation.objects.values_list("pk", flat=True))
    assert len(server.requests) == 2
    said = terminal.run("make", "ab", code=1)
    assert "body.prompt" in said


def test_make_begins_with_a_picture_from_the_disk(
    terminal: Terminal, alice: Membership, live_server: Any, serve: Serve, settings: Settings
) -> None:
    settings.PUBLIC_URL = live_server.url
    settings.MEDIA_ROOT = terminal.folder / "media"
    server = serve(making())
    connection = connection_at(alice, server.url)
    before = make_generation(connection, state=State.SUCCEEDED, prompt="A quiet harbour")
    terminal.run("login", live_server.url, text=make_token(alice, "submit", "read").token)
    (terminal.folder / "first.jpg").write_bytes(picture_bytes())
    terminal.run("make", "A loud harbour", "--start", "first.jpg", "--made-from", str(before.pk))
    frame = json.loads(Intent.objects.get().request)["keyframes"]["frame0"]
    assert requests.get(frame["url"], timeout=10).content == picture_bytes()
    assert Lineage.objects.get().kind == Kinship.VARY
    assert "no file that can be read" in terminal.run("make", "A harbour", "--end", "last.jpg", code=1)


def test_make_says_what_was_refused(terminal: Terminal, alice: Membership, live_server: Any, serve: Serve) -> None:
    connection_at(alice, serve(saying_json({"detail": "Advanced prompt moderation failed"}, "400 Bad Request")).url)
    terminal.run("login", live_server.url, text=make_token(alice, "submit", "read").token)
    said = terminal.run("make", "A quiet harbour", "--wait", code=3)
    assert "refused:" in said
    assert "Advanced prompt moderation failed" in said
