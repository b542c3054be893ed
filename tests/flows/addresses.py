"""Every page there is, for tests that hold all of them to the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from django.urls import resolve
from playwright.sync_api import Page

from tests.factories import PASSWORD
from tests.flows.stack import Person, Team

NO_PAGES = {
    # they lead elsewhere
    "home",
    "mfa_index",
    "mfa_list_webauthn",
    "single_sign_on",
    "single_sign_on_callback",
    # parts of pages, for script
    "gallery:live",
    "gallery:detail_live",
    "news:fresh",
    "mfa_login_webauthn",
    "past:progress",
    # files and pictures
    "archive:media",
    "archive:download",
    "gallery:activity_export",
    "sharing:brand",
    "sharing:card",
    "sharing:download",
    "sharing:film",
    "sharing:guest_logo",
    "sharing:item_card",
    "sharing:logo",
    "sharing:poster",
    "sharing:qr",
    # for programs; the page to try it is not of our making
    "api:docs",
    "api:api-root",
    "api:file",
    "api:openapi-json",
    "ops:healthz",
    "ops:metrics",
    "ops:readyz",
    "sharing:oembed",
    # for people who have no password, since they come in through single sign-on alone
    "account_set_password",
    # what became of one batch, for its maker alone
    "gallery:takes",
    # pieces of the form, as its choices change
    "gallery:bill",
    "gallery:concepts",
    # pictures that films begin with
    "submission:picture",
    "submission:picture_link",
    # in the midst of signing in: `answers_to_forms` leads there
    "mfa_authenticate",
}
"""Addresses that answer GET and show no page, or not to somebody who just asks for it."""


def names_of(addresses: Iterable[str]) -> set[str]:
    """What these addresses are called in the table of routes."""
    return {resolve(urlsplit(address).path).view_name for address in addresses}


def one_of_each(team: Team) -> dict[str, int]:
    """A generation in every state; "safe" is the one with files."""
    clip = team.track_a_safe_clip()
    made = team.stack.inside.call("one_of_each", connection_id=team.connection_id, user_id=team.alice.pk)
    return {"safe": clip, **made}


def members_pages(team: Team, made: dict[str, int]) -> list[str]:
    """What an owner can open."""
    team.invite("a.colleague.with.a.rather.long.name@northlight-studio.example")
    settings = f"{team.url}settings/"
    link = team.share(made["safe"], made["running"], name="For the client with a rather long name", view_limit=3)
    connection = f"{settings}connections/{team.connection_id}/"
    team.stack.inside.call("has_looked", connection_id=team.connection_id, user_id=team.alice.pk)
    team.stack.inside.call("tell_of_everything", connection_id=team.connection_id, user_id=team.alice.pk)
    lost, *_others = team.stack.inside.call("lose_requests", connection_id=team.connection_id, user_id=team.alice.pk)
    heard, *_others = team.stack.inside.call("listen", connection_id=team.connection_id, user_id=team.alice.pk)
    webhooks = f"{settings}webhooks/"
    return [
        team.url,
        webhooks,
        *(f"{webhooks}{name}/" for name in ("add", "callbacks", "callbacks/secret")),
        *(f"{webhooks}{heard}/{name}" for name in ("", "edit/", "rotate/", "remove/")),
        f"{team.url}requests/",
        f"{team.url}requests/{lost}/send-again/",
        f"{team.url}?view=list",
        f"{team.url}?state=attention&from=2026-01-01",
        f"{team.url}?q=no-such-word",
        f"{team.url}filters/",
        f"{team.url}filters/people/",
        f"{team.url}trash/",
        f"{team.url}track/",
        f"{team.url}new/",
        f"{team.url}new/?from={made['safe']}&how=extend",
        f"{team.url}welcome/",
        f"{team.url}activity/",
        f"{team.url}activity/?kind=keys&from=2030-01-01",
        f"{team.url}activity/filters/",
        f"{team.url}news/",
        f"{team.url}news/?before=1",
        *(team.page_of(made[name]) for name in ("safe", "running", "missing", "lost", "moderation")),
        f"{team.page_of(made['safe'])}answer/",
        f"{team.page_of(made['safe'])}rename/",
        f"{team.page_of(made['safe'])}notes/change/?note={team.write_note(made['safe'])}",
        f"{team.url}shares/",
        f"{team.url}shares/?tab=ended",
        f"{team.url}shares/new/?g={made['safe']}&g={made['running']}",
        f"{team.url}shares/{link.pk}/",
        f"{team.url}shares/{link.pk}/?made=1",
        settings,
        f"{settings}profile/",
        f"{settings}notifications/",
        f"{settings}sign-ins/",
        f"{settings}security/",
        f"{settings}tokens/",
        f"{settings}tokens/{team.make_token()}/revoke/",
        f"{settings}sharing/",
        f"{settings}prices/",
        f"{settings}prices/{team.set_price()}/",
        f"{settings}delete/",
        f"{settings}members/",
        f"{settings}members/invitations/{team.open_invitation()}/renew/",
        f"{settings}members/leave/",
        f"{settings}members/{team.bob.membership}/remove/",
        f"{settings}connections/",
        f"{settings}connections/add/",
        *(f"{connection}{name}/" for name in ("rename", "replace-key", "remove", "past")),
        f"{team.stack.url}/accounts/password/change/",
        f"{team.stack.url}/accounts/reauthenticate/",
        f"{team.stack.url}/accounts/2fa/app/add/",
        f"{team.stack.url}/accounts/2fa/passkeys/add/",
        f"{team.stack.url}/account/take-out/",
        f"{team.stack.url}/account/erase/",
        team.invite("somebody.else@northlight-studio.example"),  # signed in as another
        team.stack.new_team().invite(team.alice.email),  # signed in as the one
        f"{team.stack.url}/accounts/logout/",
    ]


def protected_pages(team: Team) -> tuple[Person, list[str]]:
    """What somebody with every second factor can open, and who that is; the codes are shown once, so this asks for new ones."""
    person, passkey = team.protect_bob()
    accounts = f"{team.stack.url}/accounts/2fa/"
    names = ("app/remove/", "recovery-codes/", "recovery-codes/new/", "reauthenticate/", "passkeys/reauthenticate/")
    return person, [
        f"{team.url}settings/security/",
        *(f"{accounts}{name}" for name in names),
        *(f"{accounts}passkeys/{passkey}/{name}/" for name in ("rename", "remove")),
    ]


def answers_to_forms(page: Page, team: Team) -> Iterator[str]:
    """Bring an owner's page to what has no address of its own, the answer to a form, and name it."""
    page.goto(f"{team.url}settings/tokens/")
    page.locator("input[name=name]").fill("A script with a rather long name")
    page.get_by_role("button", name="Make token").click()
    page.locator("[data-copy-text], [data-copy]").first.wait_for()
    yield "a token just made"
    page.goto(f"{team.url}settings/members/")
    page.locator("input[name=email]").fill("a.newcomer.with.a.rather.long.name@northlight-studio.example")
    page.get_by_role("button", name="Invite").click()
    page.locator("[data-copy-text], [data-copy]").first.wait_for()
    yield "the link of an invitation just made"
    page.goto(f"{team.url}settings/webhooks/callbacks/secret/")
    page.get_by_role("button", name="Make a new secret").click()
    page.locator("[data-copy-text], [data-copy]").first.wait_for()
    yield "a signing secret just made"
    page.goto(f"{team.url}settings/sharing/")
    page.locator("input[name=needs_password]").check()
    page.locator("form:has(input[name=needs_password]) button[type=submit]").click()
    page.locator("input[name=settle]").first.wait_for()
    yield "links that a new demand would break"


def second_step(page: Page, team: Team, person: Person) -> None:
    """Bring a visitor's page to the second step of signing in, as somebody whom `protected_pages` has protected."""
    page.goto(f"{team.stack.url}/accounts/login/")
    page.locator("input[name=login]").fill(person.email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/accounts/2fa/authenticate/**")


def visitors_pages(team: Team) -> list[str]:
    """What is open to all."""
    accounts = f"{team.stack.url}/accounts/"
    return [
        f"{accounts}login/",
        f"{accounts}password/reset/",
        f"{accounts}password/reset/done/",
        f"{accounts}password/reset/key/1-no-such-key/",
        f"{accounts}password/reset/key/done/",
        f"{accounts}inactive/",
        f"{team.stack.url}/setup/no-such-link/",
        f"{team.stack.url}/invitation/no-such-link/",
        team.invite("somebody.new@northlight-studio.example"),
        team.invite(f"elsewhere@{team.slug}.example"),
        f"{team.stack.url}{team.stack.inside.call('unsubscribe_path', membership_id=team.bob.membership)}",
    ]


def guests_pages(team: Team, made: dict[str, int]) -> list[str]:
    """What outsiders see with a link: films, one of several, doors, frames, and a link that is dead."""
    watch = team.share(made["safe"], view_limit=3)
    locked = team.share(made["safe"], password="the fox is red")
    several = team.share(made["safe"], team.track_a_safe_clip(), name="Two takes", download="raw", shows_details=True)
    return [
        several.url,
        f"{several.url}2/",
        f"{several.url}embed/",
        f"{several.url}2/embed/",
        watch.url,
        locked.url,
        f"{locked.url}embed/",
        f"{team.stack.url}/s/no-such-link/",
    ]
