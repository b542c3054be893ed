"""Who may ask for what: the access class of every address, in one table.

A new address gets one line here, under its package: `"gallery:tag": role(get="see", post="change_own", others="change_all")`.
Without it `manage.py check` fails, and with that `make check` and every start (`checks.every_address_is_registered`); and
tests/access, which asks for each of them as every kind of person, fails until `SAMPLES` says how it is asked for.

The table decides nothing: views ask `accounts.access`. It says what they should answer, and the walk compares.
docs/access.md explains the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """On what an answer depends."""

    PUBLIC = "public"  # on nothing: anybody may ask
    LOGIN = "login"  # on being signed in; the page is about whoever asks
    ROLE = "role"  # on the role in the workspace that the path names, and on the right asked for
    ONE_TIME = "one-time link"  # on a secret in the path that works once
    SIGNED = "signed link"  # on a signature of ours in the path, which ends by itself
    SHARE = "share"  # on a share link's secret in the path, and on its password
    API = "API scope"  # on the token that comes with the request: its scopes, and its maker's role
    CALLBACK = "callback"  # on nothing: whatever is posted is answered alike, and at most makes us ask upstream
    STAFF = "staff"  # on the token that whoever runs the installation has set


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Which methods an address answers, and to whom. HEAD comes with GET; any other method is 405."""

    kind: Kind
    rights: Mapping[str, str]
    """By method, the right of `RIGHTS` that it takes; empty words where the class is not `ROLE`."""
    stricter: Mapping[str, str] = field(default_factory=dict)
    """By value of the path's last parameter, the right it takes instead."""
    others: str | None = None
    """The right it takes where the thing named in the path is somebody else's; `NOBODYS`: none is enough."""

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(self.rights)


GET: Final = "GET"
ANY_TOKEN: Final = ""
POST: Final = "POST"
NOBODYS: Final = ""
"""A right that nobody has."""


def public(*methods: str) -> Access:
    return Access(kind=Kind.PUBLIC, rights=dict.fromkeys(methods, ""))


def login(*methods: str) -> Access:
    return Access(kind=Kind.LOGIN, rights=dict.fromkeys(methods, ""))


def role(
    *, get: str = "", post: str = "", others: str | None = None, stricter: Mapping[str, str] | None = None
) -> Access:
    """Name the right for each method that the address answers."""
    rights = {method: right for method, right in ((GET, get), (POST, post)) if right}
    return Access(kind=Kind.ROLE, rights=rights, others=others, stricter=stricter or {})


def api(**rights: str) -> Access:
    """Name for each method the right that the token has to leave; `ANY_TOKEN`: none is needed but a token that works."""
    return Access(kind=Kind.API, rights={method.upper(): right for method, right in rights.items()})


def api_of(others: str, **rights: str) -> Access:
    """The same, where the thing named in the path may be somebody else's, and changing it then takes another right too."""
    return replace(api(**rights), others=others)


def one_time(*methods: str) -> Access:
    return Access(kind=Kind.ONE_TIME, rights=dict.fromkeys(methods, ""))


def signed(*methods: str) -> Access:
    return Access(kind=Kind.SIGNED, rights=dict.fromkeys(methods, ""))


def share(*methods: str) -> Access:
    return Access(kind=Kind.SHARE, rights=dict.fromkeys(methods, ""))


def callback(*methods: str) -> Access:
    return Access(kind=Kind.CALLBACK, rights=dict.fromkeys(methods, ""))


def staff(*methods: str) -> Access:
    return Access(kind=Kind.STAFF, rights=dict.fromkeys(methods, ""))


ROUTES: Final[dict[str, Access]] = {
    # accounts
    "home": public(GET),
    "setup": one_time(GET, POST),
    "invitation": one_time(GET, POST),
    "general": role(get="see", post="manage_workspace"),
    "profile": role(get="see", post="see"),
    "sign_ins": role(get="see"),
    "sign_in_end": role(post="see"),
    "sign_out_everywhere": role(post="see"),
    "security": role(get="see"),
    "tokens": role(get="see", post="see"),
    "token_revoke": role(get="see", post="see", others="manage_members"),
    "members": role(get="see", post="manage_members"),
    "leave": role(get="see", post="see"),
    "member_role": role(post="manage_members"),
    "member_remove": role(get="manage_members", post="manage_members"),
    "invitation_renew": role(get="manage_members", post="manage_members"),
    "invitation_withdraw": role(post="manage_members"),
    # accounts: allauth's
    "account_login": public(GET, POST),
    "account_logout": public(GET, POST),
    "account_inactive": public(GET),
    "account_reauthenticate": login(GET, POST),
    "account_change_password": login(GET, POST),
    "account_set_password": login(GET, POST),
    "account_reset_password": public(GET, POST),
    "account_reset_password_done": public(GET),
    "account_reset_password_from_key": one_time(GET, POST),
    "account_reset_password_from_key_done": public(GET),
    # accounts: the second factor, allauth's too
    "mfa_index": login(GET),
    "mfa_list_webauthn": login(GET),
    "mfa_authenticate": public(GET, POST),
    "mfa_reauthenticate": login(GET, POST),
    "mfa_activate_totp": login(GET, POST),
    "mfa_deactivate_totp": login(GET, POST),
    "mfa_view_recovery_codes": login(GET),
    "mfa_generate_recovery_codes": login(GET, POST),
    "mfa_add_webauthn": login(GET, POST),
    "mfa_login_webauthn": public(GET, POST),
    "mfa_reauthenticate_webauthn": login(GET, POST),
    "mfa_remove_webauthn": login(GET, POST),
    "mfa_edit_webauthn": login(GET, POST),
    # accounts: single sign-on
    "single_sign_on": public(GET),
    "single_sign_on_callback": public(GET),
    # connections
    "connections:welcome": role(get="manage_connections", post="manage_connections"),
    "connections:index": role(get="manage_connections"),
    "connections:add": role(get="manage_connections", post="manage_connections"),
    "connections:test": role(post="manage_connections"),
    "connections:rename": role(get="manage_connections", post="manage_connections"),
    "connections:pause": role(post="manage_connections"),
    "connections:resume": role(post="manage_connections"),
    "connections:replace_key": role(get="manage_connections", post="manage_connections"),
    "connections:remove": role(get="manage_connections", post="manage_connections"),
    # past
    "past:index": role(get="manage_connections"),
    "past:progress": role(get="manage_connections"),
    "past:look": role(post="manage_connections"),
    "past:bring_in": role(post="manage_connections"),
    "past:cancel": role(post="manage_connections"),
    # leaving; each asks for a fresh proof of identity first
    "leaving:take_out": login(GET, POST),
    "leaving:erase": login(GET, POST),
    "leaving:delete_workspace": role(get="delete_workspace", post="delete_workspace"),
    # api: every path needs a token, but for what describes them, and links that a token has signed
    "api:openapi-json": public(GET),
    "api:docs": public(GET),
    "api:api-root": public(GET),
    "api:file": public(GET),
    "api:me": api(get=ANY_TOKEN),
    "api:members": api(get="see"),
    "api:connections": api(get="see"),
    "api:activity": api(get="see"),
    "api:generations": api(get="see"),
    "api:track": api(post="track"),
    "api:make": api(post="submit"),
    "api:takes": api(get="submit"),
    "api:pictures": api(post="submit"),
    "api:generation": api_of("change_all", get="see", patch="change_own", delete="change_own"),
    "api:restore": api_of("change_all", post="change_own"),
    "api:refresh": api_of("change_all", post="change_own"),
    "api:transitions": api(get="see"),
    "api:assets": api(get="see"),
    "api:asset_file": api(get="see"),
    "api:asset_link": api(post="see"),
    "api:shares": api(get="share", post="share"),
    "api:share": api_of("manage_shares", get="share", patch="share"),
    "api:share_revoke": api_of("manage_shares", post="share"),
    "api:share_bring_back": api_of("manage_shares", post="share"),
    # proxy: by what is below it and by whose it is, other rights besides
    "proxy:call": api(get="see", post="submit", put="submit", patch="submit", delete="submit"),
    # archive
    "archive:media": role(get="see", stricter={"raw": "download_raw"}),
    "archive:download": role(get="see", stricter={"raw": "download_raw"}),
    # gallery
    "gallery:index": role(get="see"),
    "gallery:live": role(get="see"),
    "gallery:choices": role(get="see"),
    "gallery:people": role(get="see"),
    "gallery:trash": role(get="see"),
    "gallery:trash_many": role(post="change_own", others="change_all"),
    "gallery:restore_many": role(post="change_own", others="change_all"),
    "gallery:track": role(get="track", post="track"),
    "gallery:new": role(get="submit", post="submit"),
    "gallery:bill": role(get="submit"),
    "gallery:concepts": role(get="submit"),
    "gallery:takes": role(get="see"),
    "gallery:activity": role(get="see"),
    "gallery:activity_choices": role(get="see"),
    "gallery:activity_export": role(get="export"),
    "gallery:detail": role(get="see"),
    "gallery:detail_live": role(get="see"),
    "gallery:raw_answer": role(get="see_raw_answer"),
    "gallery:rename": role(get="change_own", post="change_own", others="change_all"),
    "gallery:make_private": role(post="change_own", others=NOBODYS),
    "gallery:make_shared": role(post="change_own", others=NOBODYS),
    "gallery:trash_one": role(post="change_own", others="change_all"),
    "gallery:restore": role(post="change_own", others="change_all"),
    "gallery:check_now": role(post="change_own", others="change_all"),
    "gallery:fetch_again": role(post="change_own", others="change_all"),
    "gallery:stop_tracking": role(post="change_own", others="change_all"),
    "gallery:notes": role(post="note"),
    "gallery:note_change": role(get="note", post="note", others=NOBODYS),
    "gallery:note_delete": role(post="note", others="change_all"),
    "gallery:note_restore": role(post="note", others="change_all"),
    "gallery:favourite": role(post="see"),
    # news
    "news:index": role(get="see"),
    "news:fresh": role(get="see"),
    "news:read": role(post="see"),
    "news:preferences": role(get="see", post="see"),
    "news:unsubscribe": public(GET, POST),  # by a link that a mail has brought, whoever is signed in
    # sharing: what guests ask for
    "sharing:page": share(GET, POST),
    "sharing:item": share(GET),
    "sharing:film": share(GET),
    "sharing:poster": share(GET),
    "sharing:download": share(GET),
    "sharing:brand": share(GET),
    "sharing:guest_logo": share(GET),
    # sharing: what other sites ask for; behind a door they learn that there is one
    "sharing:card": share(GET),
    "sharing:item_card": share(GET),
    "sharing:oembed": share(GET),
    "sharing:embed": share(GET),
    "sharing:item_embed": share(GET),
    # sharing: settings
    "sharing:policy": role(get="manage_policies", post="manage_policies"),
    "sharing:sites": role(post="manage_policies"),
    "sharing:look": role(post="manage_policies"),
    "sharing:logo": role(get="manage_policies"),
    # sharing: what members do; with links that others made, it takes `manage_shares`
    "sharing:links": role(get="share"),
    "sharing:new": role(get="share", post="share"),
    "sharing:add": role(post="share", others="manage_shares"),
    "sharing:revoke_many": role(post="share", others="manage_shares"),
    "sharing:bring_back_many": role(post="share", others="manage_shares"),
    "sharing:edit": role(get="share", post="share", others="manage_shares"),
    "sharing:extend": role(post="share", others="manage_shares"),
    "sharing:revoke": role(post="share", others="manage_shares"),
    "sharing:bring_back": role(post="share", others="manage_shares"),
    "sharing:take_out": role(post="share", others="manage_shares"),
    "sharing:qr": role(get="share"),
    # submission: requests whose outcome nobody knows
    "submission:unsettled": role(get="submit"),
    "submission:look": role(post="submit", others="change_all"),
    "submission:choose": role(post="submit", others="change_all"),
    "submission:dismiss": role(post="submit", others="change_all"),
    "submission:send_again": role(get="submit", post="submit", others="change_all"),
    # submission: what generations cost
    "submission:prices": role(get="manage_workspace", post="manage_workspace"),
    "submission:price": role(get="manage_workspace", post="manage_workspace"),
    "submission:price_remove": role(post="manage_workspace"),
    # submission: pictures that films begin or end with
    "submission:picture": role(get="submit"),
    "submission:picture_link": signed(GET),
    # news: what programs are told
    "webhooks:index": role(get="manage_webhooks"),
    "webhooks:add": role(get="manage_webhooks", post="manage_webhooks"),
    "webhooks:edit": role(get="manage_webhooks", post="manage_webhooks"),
    "webhooks:log": role(get="manage_webhooks"),
    "webhooks:test": role(post="manage_webhooks"),
    "webhooks:pause": role(post="manage_webhooks"),
    "webhooks:resume": role(post="manage_webhooks"),
    "webhooks:rotate": role(get="manage_webhooks", post="manage_webhooks"),
    "webhooks:remove": role(get="manage_webhooks", post="manage_webhooks"),
    "webhooks:callbacks": role(get="manage_webhooks"),
    "webhooks:callback_secret": role(get="manage_webhooks", post="manage_webhooks"),
    "webhooks:replay": role(post="manage_webhooks"),
    "hook": callback(POST),
    # ops
    "ops:healthz": public(GET),
    "ops:readyz": public(GET),
    "ops:metrics": staff(GET),
}
"""What lies below /static/ is no address of this kind: WhiteNoise serves those files to anybody, before any of these."""
