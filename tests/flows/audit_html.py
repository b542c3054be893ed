"""Every page is valid HTML, by the Nu checker (validator.github.io), which browsers' makers and the W3C use themselves.

`make audit` runs it, and the suite does not: the checker is fetched from npm and needs Java, and tests reach no address but
this machine's own.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.flows.addresses import guests_pages, members_pages, one_of_each, protected_pages, visitors_pages
from tests.flows.stack import Person, Team

CHECKER = ("npx", "--yes", "--ignore-scripts", "--package", "vnu-jar@26.9.27", "vnu")
HTMX = re.compile("Attribute “hx-[a-z-]+” not allowed on element")
"""The one rule that does not hold here: htmx's attributes have no `data-` in front of their names."""


def fetch(address: str, person: Person | None = None) -> bytes:
    """Read a page as this person's browser gets it, refusals too."""
    request = Request(address, headers={"Cookie": f"session={person.session}"} if person else {})
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.read()
    except HTTPError as refusal:
        return refusal.read()


def faults(folder: Path) -> list[str]:
    """What the checker says of the pages in this folder."""
    done = subprocess.run(
        [*CHECKER, "--format", "json", "--exit-zero-always", "--stdout", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    said = json.loads(done.stdout)["messages"]
    assert all(message["type"] != "non-document-error" for message in said), said
    return sorted(
        f"{Path(message['url']).stem}: {message['message']} {message.get('extract', '')!r}"
        for message in said
        if not HTMX.match(message["message"])
    )


def test_every_page_is_valid_html(team: Team, tmp_path: Path) -> None:
    made = one_of_each(team)
    pages = [(address, team.alice) for address in members_pages(team, made)]
    bob, addresses = protected_pages(team)
    pages += [(address, bob) for address in addresses]
    pages += [(address, None) for address in (*visitors_pages(team), *guests_pages(team, made))]
    pages += [(f"{team.url}no-such-page/", team.alice)]
    for number, (address, person) in enumerate(pages):
        name = re.sub("[^a-z0-9?=-]+", "_", address.split("/", 3)[3])[:80]
        (tmp_path / f"{number:02}-{name}.html").write_bytes(fetch(address, person))
    assert faults(tmp_path) == []
