"""Start a throw-away installation with demo data, and let Lighthouse look at every page; exits with 1 below the goals.

The pages of members are measured signed in; those of guests, which are what a client sees, also for their speed on a phone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.ops.installation import Installation  # noqa: E402  (found once the path is set)
from tests.ops.processes import until  # noqa: E402

LIGHTHOUSE = "lighthouse@12"
GOALS = {"accessibility": 100, "best-practices": 100}
GUESTS_GOALS = {**GOALS, "performance": 95}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

SIGN_IN = """
from django.conf import settings
from lumaboard.accounts.models import User
from tests.flows.seeds import new_session
print(f"{settings.SESSION_COOKIE_NAME}={new_session(User.objects.order_by('pk').first().pk)}")
"""
PAGES = """
from django.urls import reverse
from lumaboard.accounts.models import Workspace
from lumaboard.generations.models import Generation
slug = Workspace.objects.get().slug
ready = Generation.objects.filter(workspace__slug=slug, has_poster=True, trashed_at=None).first()
running = Generation.objects.filter(workspace__slug=slug).order_by("-pk").first()
print(reverse("gallery:index", args=[slug]), reverse("gallery:trash", args=[slug]), reverse("gallery:track", args=[slug]))
print(*(reverse("gallery:detail", args=[slug, row.pk]) for row in (ready, running)))
print(*(reverse(name, args=[slug]) for name in ("general", "members", "profile", "tokens")))
print(*(reverse(name, args=[slug]) for name in ("connections:index", "gallery:activity")))
print(reverse("submission:unsettled", args=[slug]))
print(reverse("sharing:links", args=[slug]), f'{reverse("sharing:new", args=[slug])}?g={ready.pk}')
print(reverse("security", args=[slug]), reverse("sign_ins", args=[slug]), reverse("sharing:policy", args=[slug]))
print(reverse("leaving:take_out"), reverse("leaving:erase"), reverse("leaving:delete_workspace", args=[slug]))
"""

SHARED = """
from django.urls import reverse
from django.utils import timezone
from lumaboard.accounts.models import Membership
from lumaboard.generations.models import Generation
from lumaboard.sharing.addresses import address_of
from lumaboard.sharing.operations import Terms, make_link
from tests.factories import acting
maker = Membership.objects.select_related("user", "workspace").order_by("pk").first()
films = Generation.objects.in_workspace(maker.workspace_id).present().filter(has_poster=True).order_by("-pk")
pks = list(films.values_list("pk", flat=True)[:6])
terms = {"several": (pks, {"download": "raw", "shows_details": True}), "one": (pks[:1], {"download": "raw"}),
         "locked": (pks[:1], {"password": "a long password"}), "watch": (pks[:1], {"view_limit": 99})}
for shown, chosen in terms.values():
    link = make_link(acting(maker), shown, Terms(name="For the client", expires_at=None, **chosen), now=timezone.now())
    print(reverse("sharing:page", args=[address_of(link)]))
print(f"{reverse('sharing:page', args=[address_of(link)])}embed/", reverse("sharing:page", args=["no-such-link"]))
"""
NO_SUCH_LINK = "/no-such-link/"  # answered with 404, and audited all the same


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder) / "data")
        installation.bootstrap("--connection-kind", "simulator")
        installation.run("seed_demo", "--rows", "60")
        cookie = installation.read(SIGN_IN)
        pages = installation.read(PAGES).split()
        shared = installation.read(SHARED).split()
        with installation.running("up"):
            until(lambda: installation.says_ok("/healthz"), within=60)
            scores = {page: audit(installation, page, "", GUESTS_GOALS) for page in shared}
            scores |= {"/accounts/login/": audit(installation, "/accounts/login/", "")}
            scores |= {page: audit(installation, page, cookie) for page in pages}
    for page, found in scores.items():
        print("  ".join(f"{category} {score}" for category, score in found.items()), page)
    return int(any(score < GUESTS_GOALS[name] for found in scores.values() for name, score in found.items()))


def audit(installation: Installation, page: str, cookie: str, goals: Mapping[str, int] = GOALS) -> dict[str, int]:
    """Give the scores of one page out of 100, and print what costs points."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    url = f"http://127.0.0.1:{installation.port}{page}"
    options = ["--quiet", "--output=json", f"--only-categories={','.join(goals)}"]
    options += ["--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
    if page.endswith(NO_SUCH_LINK):
        options += ["--ignore-status-code", "--skip-audits=errors-in-console"]  # the 404 itself is such an error
    if cookie:
        options.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    done = subprocess.run(
        ["npx", "--yes", LIGHTHOUSE, url, *options],
        env={**os.environ, **({"CHROME_PATH": browser} if browser else {})},
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    report = json.loads(done.stdout)
    for finding in report["audits"].values():
        if finding["score"] is not None and finding["score"] < 1 and finding["scoreDisplayMode"] == "binary":
            print(f"{page}: {finding['title']}")
    return {name: round(100 * report["categories"][name]["score"]) for name in goals}


if __name__ == "__main__":
    sys.exit(main())
