"""`lumaboard login | make | track | list | wait | get | share`: words for people, JSON for programs, an exit code for scripts."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from lumaboard.cli.client import Client
from lumaboard.cli.config import Login, keep_login, read_login
from lumaboard.cli.download import choose, download
from lumaboard.cli.errors import FAILED, TIMED_OUT, CliError, NotThere

EXIT_CODES = """
exit codes: 0 done · 1 the board refused · 2 the command was not understood · 3 a generation failed, or has no such file ·
4 it took longer than --timeout · 5 the board cannot be reached · 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except CliError as error:
        sys.stderr.write(f"lumaboard: {error}\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="lumaboard", description="Your board, from a terminal.", epilog=EXIT_CODES)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    login = _command(
        commands, "login", "sign in with an API token, which is asked for, or read from standard input", _login
    )
    login.add_argument("url", help="the address of the board")

    make = _command(commands, "make", "have generations made, which costs money", _make)
    make.add_argument("prompt", help="what the film shows; - : from standard input")
    make.add_argument("--takes", type=int, default=1, metavar="N", help="so many alike (default: %(default)s)")
    make.add_argument("--model", help="such as ray-2")
    make.add_argument("--format", dest="aspect_ratio", help="such as 16:9")
    make.add_argument("--length", dest="duration", help="5s or 9s")
    make.add_argument("--resolution", help="such as 720p")
    make.add_argument(
        "--start", metavar="FRAME", help="number of a generation to go on from, or address or file of a picture"
    )
    make.add_argument("--end", metavar="FRAME", help="the same, to end with")
    make.add_argument("--made-from", type=int, metavar="NUMBER", help="generation that this one is made after")
    make.add_argument("--connection", type=int, help="number of the connection, where there are several")
    make.add_argument("--private", action="store_true", help="keep them to yourself")
    make.add_argument("--key", help="idempotency key: the same again makes nothing twice")
    make.add_argument("--wait", action="store_true", help="wait until they are done")
    make.add_argument("--timeout", type=float, default=3600, metavar="SECONDS")
    make.add_argument("--every", type=float, default=3, metavar="SECONDS", help=argparse.SUPPRESS)

    track = _command(commands, "track", "begin to watch generations by their ids at the provider", _track)
    track.add_argument("ids", nargs="*", help="ids; - or nothing: any text that holds some, from standard input")
    track.add_argument("--connection", type=int, help="number of the connection, where there are several")
    track.add_argument("--private", action="store_true", help="keep them to yourself")
    track.add_argument("--dry-run", action="store_true", help="only say what would happen")

    listing = _command(commands, "list", "list generations, newest first", _list)
    listing.add_argument("--state", choices=["in-progress", "ready", "failed", "attention", "saving"])
    listing.add_argument("--query", help="words of prompt, title or id")
    listing.add_argument("--limit", type=int, default=20, help="so many (default: %(default)s)")

    wait = _command(commands, "wait", "wait until generations are done", _wait)
    wait.add_argument("ids", nargs="+", metavar="id", help="number on the board, or id at the provider")
    wait.add_argument("--timeout", type=float, default=3600, metavar="SECONDS")
    wait.add_argument(
        "--every", type=float, default=3, metavar="SECONDS", help="how often to look (default: %(default)s)"
    )

    get = _command(commands, "get", "show a generation, or download its file", _get)
    get.add_argument("id", help="number on the board, or id at the provider")
    get.add_argument(
        "--download", nargs="?", const=".", metavar="PATH", help="file, or folder with a / behind it (default: here)"
    )
    get.add_argument("--role", default="main", help="which file (default: the best film)")

    share = _command(commands, "share", "make a link for people outside", _share)
    share.add_argument("ids", nargs="+", metavar="id", help="number on the board, or id at the provider")
    share.add_argument("--name", default="")
    share.add_argument("--days", type=int, help="how long it lives")
    share.add_argument("--views", type=int, help="how often it may be watched")
    share.add_argument("--password-env", metavar="VAR", help="variable that holds its password")
    share.add_argument("--allow-download", choices=["nothing", "watermarked", "raw"], default="nothing")
    return top


def _command(commands: Any, name: str, words: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words, epilog=EXIT_CODES)
    command.add_argument("--json", action="store_true", help="print what the board answers")
    command.set_defaults(run=run)
    return command


def _login(asked: argparse.Namespace) -> int:
    token = getpass.getpass("API token: ") if sys.stdin.isatty() else sys.stdin.readline()
    url = asked.url.rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise CliError("The address begins with https://")
    login = Login(url, token.strip())
    me = Client(login).get("/me")
    path = keep_login(login, os.environ)
    return _say(asked, me, f"{me['person']['name']} in {me['workspace']['name']}. Kept in {path}.")


def _make(asked: argparse.Namespace) -> int:
    client, ends_at = _client(), time.monotonic() + asked.timeout
    body = {"prompt": sys.stdin.read() if asked.prompt == "-" else asked.prompt, "count": asked.takes}
    body |= {name: getattr(asked, name) for name in _SENT_AS_TYPED if getattr(asked, name) is not None}
    body |= {"is_private": asked.private}
    frames = {side: getattr(asked, side) for side in ("start", "end")}
    body |= {side: _frame(client, named) for side, named in frames.items() if named is not None}
    told = client.post("/takes", body, headers={"Idempotency-Key": asked.key or str(uuid4())})
    while not told["is_answered"] and time.monotonic() < ends_at:
        time.sleep(asked.every)
        told = client.get(f"/takes/{told['order']}")
    made = [str(one["generation"]) for one in told["takes"] if one["generation"] is not None]
    for one in told["takes"]:
        if one["generation"] is None:
            sys.stderr.write(f"lumaboard: {one['state']}: {one['error']}\n")
    is_whole = len(made) == len(told["takes"])
    if not asked.wait or not made:
        _say(asked, told, "\n".join(made))
        return 0 if is_whole else FAILED
    ended = _watch(client, asked, [int(pk) for pk in made], ends_at=ends_at)
    return ended if is_whole else FAILED


_SENT_AS_TYPED = ("model", "aspect_ratio", "duration", "resolution", "made_from", "connection")


def _frame(client: Client, named: str) -> dict[str, Any]:
    """What a film begins or ends with; a file is uploaded."""
    if named.isascii() and named.isdigit():
        return {"generation": int(named)}
    if named.startswith(("https://", "http://")):
        return {"url": named}
    try:
        return {"picture": client.upload("/pictures", Path(named))["id"]}
    except OSError as error:
        raise CliError(f"{named} is no number, no address, and no file that can be read.") from error


def _track(asked: argparse.Namespace) -> int:
    reads_text = asked.ids in ([], ["-"])
    body: dict[str, Any] = {"text": sys.stdin.read()} if reads_text else {"ids": asked.ids}
    body |= {"is_private": asked.private, "is_dry_run": asked.dry_run}
    if asked.connection is not None:
        body["connection"] = asked.connection
    told = _client().post("/generations/track", body)
    lines = [f"{'would track' if asked.dry_run else 'tracked'}  {_named(one)}" for one in told["new"]]
    lines += [f"known    {_named(one)}" for one in told["known"]]
    lines += [f"no id    {text}" for text in told["unreadable"]]
    return _say(asked, told, "\n".join(lines))


def _list(asked: argparse.Namespace) -> int:
    found: list[dict[str, Any]] = []
    pages = _client().pages("/generations", state=asked.state, q=asked.query, limit=min(max(asked.limit, 1), 100))
    for row in pages:
        found.append(row)
        if len(found) >= asked.limit:
            break
    return _say(asked, found, "\n".join(_line(row) for row in found))


def _wait(asked: argparse.Namespace) -> int:
    client, ends_at = _client(), time.monotonic() + asked.timeout
    return _watch(client, asked, [_find(client, one)["id"] for one in asked.ids], ends_at=ends_at)


def _watch(client: Client, asked: argparse.Namespace, ids: Sequence[int], *, ends_at: float) -> int:
    """Look again and again until all of them are done, and say what became of them."""
    while True:
        rows = [client.get(f"/generations/{pk}") for pk in ids]
        done = sum(row["is_settled"] for row in rows)
        _progress(f"{done} of {len(rows)} done", done, len(rows))
        if done == len(rows):
            break
        if time.monotonic() >= ends_at:
            _say(asked, rows, "\n".join(_line(row) for row in rows))
            raise CliError(f"Not done after {asked.timeout:g} seconds.", TIMED_OUT)
        time.sleep(asked.every)
    _say(asked, rows, "\n".join(_line(row) for row in rows))
    return 0 if all(row["state"] == "succeeded" for row in rows) else FAILED


def _get(asked: argparse.Namespace) -> int:
    client = _client()
    row = _find(client, asked.id)
    if asked.download is None:
        return _say(asked, row, _line(row))
    asset = choose(client.get(f"/generations/{row['id']}/assets")["items"], asked.role)
    path = download(client, asset, asked.download, report=lambda done, size: _progress(asset["role"], done, size))
    return _say(asked, {**asset, "path": str(path)}, str(path))


def _share(asked: argparse.Namespace) -> int:
    client = _client()
    body: dict[str, Any] = {
        "generations": [_find(client, one)["id"] for one in asked.ids],
        "name": asked.name,
        "download": asked.allow_download,
        "view_limit": asked.views,
    }
    if asked.days is not None:
        body["expires_at"] = (datetime.now(tz=UTC) + timedelta(days=asked.days)).isoformat()
    if asked.password_env:
        if not (password := os.environ.get(asked.password_env)):
            raise CliError(f"The environment variable {asked.password_env} is not set, or empty.")
        body["password"] = password
    link = client.post("/shares", body)
    return _say(asked, link, str(link["url"]))


def _client() -> Client:
    return Client(read_login(os.environ))


def _find(client: Client, text: str) -> dict[str, Any]:
    """The generation that somebody named by its number on the board, or by the provider's id."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        try:
            row: dict[str, Any] = client.get(f"/generations/{int(text)}")
        except NotThere as error:
            raise CliError(f"There is no generation {text}.") from error
        return row
    found = [row for row in client.get("/generations", q=text, limit=100)["items"] if row["task_id"] == text]
    if not found:
        raise CliError(f"There is no generation {text}.")
    return dict(found[0])


def _line(row: dict[str, Any]) -> str:
    words = " ".join((row["title"] or row["prompt"] or row["task_id"]).split())
    return f"{row['id']:>8}  {row['state']:<9}  {row['copy_state']:<8}  {words[:80]}"


def _named(one: dict[str, Any]) -> str:
    return f"{one['task_id']}  {one['id'] or ''}".rstrip()


def _say(asked: argparse.Namespace, told: Any, words: str) -> int:
    text = json.dumps(told, ensure_ascii=False, indent=2) if asked.json else words
    if text:
        sys.stdout.write(f"{text}\n")
    return 0


def _progress(words: str, done: int, total: int) -> None:
    """Draw a bar where somebody watches; it leaves the line when it is full."""
    if sys.stderr.isatty():
        full = round(24 * done / total) if total else 24
        sys.stderr.write(f"\r{'█' * full}{'░' * (24 - full)} {100 * done // (total or 1):>3} % {words}\x1b[K")
        if done >= total:
            sys.stderr.write("\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
