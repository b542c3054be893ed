"""How each address is asked for. One that is missing here fails the walk: give it a line.

A form is what makes the page behind it act, so that who is let in is seen acting, and who is not is seen failing to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lumaboard.generations.models import AssetRole
from tests.access.world import Of
from tests.factories import PASSWORD
from tests.media.samples import picture_bytes

NEW_PASSWORD = "another long enough password"
PROVIDER = {"kind": "cometapi", "key": "sk-mine-0123456789", "base_url": "http://127.0.0.1:1", "anyway": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the path names, what a POST sends, what stands behind the question mark."""

    of: Of = Of.NOTHING
    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, object] | None = None  # what a program sends instead; `"{addable}"` is the id of a generation
    file: bytes = b""  # goes along with the form, as `file`
    query: str = ""
    last: tuple[str, ...] = ()  # values of the path's last parameter
    is_idle: bool = False  # what it asks for is so already
    is_bulk: bool = False  # the things stand in the form; those that are not there are passed over
    is_far: bool = False  # it is the provider's to answer
    is_dead: bool = False  # there is no such page once anybody has an account, or where no issuer is configured


WISH = {"token": "7f1f5a0c-93cb-4b57-b6f1-0a2c3d9b1e77", "prompt": "A quiet harbour", "count": "1"}
PRICE = {"amount": "0.10", "currency": "USD", "per": "second"}
WEBHOOK_FORM = {"name": "Another name", "kinds": "failed"}
LINK_FORM = {"name": "Mine", "ends": "30", "download": "nothing"}
GENERATION: Final = Sample(of=Of.GENERATION)
CONNECTION: Final = Sample(of=Of.CONNECTION)
LINK: Final = Sample(of=Of.LINK)
FILES: Final = ("main", "card", AssetRole.RAW, AssetRole.WATERMARKED, AssetRole.POSTER, AssetRole.PREVIEW)

SAMPLES: Final[dict[str, Sample]] = {
    # accounts
    "home": Sample(),
    "setup": Sample(is_dead=True),
    "invitation": Sample(form={"name": "Planted Guest", "password": NEW_PASSWORD}),
    "general": Sample(form={"name": "Another name"}),
    "profile": Sample(form={"name": "Another name", "theme": "dark"}),
    "sign_ins": Sample(),
    "sign_in_end": Sample(of=Of.SIGN_IN),
    "sign_out_everywhere": Sample(),
    "members": Sample(form={"email": "newcomer@example.com", "role": "viewer"}),
    "leave": Sample(),
    "member_role": Sample(of=Of.PERSON, form={"role": "viewer"}),
    "member_remove": Sample(of=Of.PERSON),
    "invitation_renew": Sample(of=Of.INVITATION),
    "invitation_withdraw": Sample(of=Of.INVITATION),
    "single_sign_on": Sample(is_dead=True),
    "single_sign_on_callback": Sample(is_dead=True),
    "account_login": Sample(form={"login": "planted.colleague@example.com", "password": PASSWORD}),
    "account_logout": Sample(),
    "account_inactive": Sample(),
    "account_reauthenticate": Sample(form={"password": PASSWORD}),
    "account_change_password": Sample(
        form={"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    ),
    "account_set_password": Sample(form={"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}),
    "account_reset_password": Sample(form={"email": "planted.colleague@example.com"}),
    "account_reset_password_done": Sample(),
    "account_reset_password_from_key": Sample(form={"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}),
    "account_reset_password_from_key_done": Sample(),
    "tokens": Sample(form={"name": "A script", "scopes": "read", "days": "90"}),
    "token_revoke": Sample(of=Of.TOKEN),
    "security": Sample(),
    "mfa_index": Sample(),
    "mfa_list_webauthn": Sample(),
    "mfa_authenticate": Sample(form={"code": "000000"}),
    "mfa_reauthenticate": Sample(form={"code": "000000"}),
    "mfa_activate_totp": Sample(form={"code": "000000"}),
    "mfa_deactivate_totp": Sample(),
    "mfa_view_recovery_codes": Sample(),
    "mfa_generate_recovery_codes": Sample(),
    "mfa_add_webauthn": Sample(form={"name": "Mine", "credential": "{{}}"}),
    "mfa_login_webauthn": Sample(form={"credential": "{{}}"}),
    "mfa_reauthenticate_webauthn": Sample(form={"credential": "{{}}"}),
    "mfa_remove_webauthn": Sample(of=Of.PASSKEY),
    "mfa_edit_webauthn": Sample(of=Of.PASSKEY, form={"name": "Mine"}),
    # connections
    "connections:welcome": Sample(form=PROVIDER, is_idle=True),
    "connections:index": Sample(),
    "connections:add": Sample(form={**PROVIDER, "name": "Mine", "pace_factor": "1.0"}),
    "connections:test": CONNECTION,
    "connections:rename": Sample(of=Of.CONNECTION, form={"name": "Another name", "pace_factor": "2.0"}),
    "connections:pause": CONNECTION,
    "connections:resume": CONNECTION,
    "connections:replace_key": Sample(of=Of.CONNECTION, form=PROVIDER),
    "connections:remove": CONNECTION,
    # leaving
    "leaving:take_out": Sample(),
    "leaving:erase": Sample(form={"typed": "{email}"}),
    "leaving:delete_workspace": Sample(form={"typed": "planted-workspace-name"}),
    # api
    "api:openapi-json": Sample(),
    "api:docs": Sample(),
    "api:api-root": Sample(is_dead=True),  # it is only what the others begin with
    "api:file": Sample(is_dead=True),  # without a key that a token has signed
    "api:me": Sample(),
    "api:members": Sample(),
    "api:connections": Sample(),
    "api:activity": Sample(),
    "api:generations": Sample(query="limit=100"),
    "api:track": Sample(json={"ids": ["ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"]}),
    "api:make": Sample(json={"prompt": "A quiet harbour"}),
    "api:takes": Sample(of=Of.TAKES),
    "api:pictures": Sample(file=picture_bytes()),
    "api:generation": Sample(of=Of.GENERATION, json={"title": "Another title"}),
    "api:restore": Sample(of=Of.GENERATION, json={}),
    "api:refresh": Sample(of=Of.GENERATION, json={}),
    "api:transitions": GENERATION,
    "api:assets": GENERATION,
    "api:asset_file": Sample(of=Of.GENERATION, last=("main", AssetRole.RAW, AssetRole.POSTER)),
    "api:asset_link": Sample(of=Of.GENERATION, last=("main", AssetRole.RAW), json={}, is_idle=True),
    "api:shares": Sample(json={"generations": ["{addable}"]}),
    "api:share": Sample(of=Of.SHARE, json={"name": "Another name"}),
    "api:share_revoke": Sample(of=Of.SHARE, json={}),
    "api:share_bring_back": Sample(of=Of.SHARE, json={}, is_idle=True),
    # proxy
    "proxy:call": Sample(last=("ping",), is_far=True),
    # archive
    "archive:media": Sample(of=Of.GENERATION, last=FILES),
    "archive:download": Sample(of=Of.GENERATION, last=FILES),
    # gallery
    "gallery:index": Sample(query="view=list"),
    "gallery:live": Sample(query="since=0"),
    "gallery:choices": Sample(),
    "gallery:people": Sample(),
    "gallery:trash": Sample(),
    "gallery:track": Sample(form={"do_track": "1", "wanted": "{connection}:ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"}),
    "gallery:new": Sample(form={**WISH, "connection": "{connection}"}),
    "gallery:bill": Sample(query="model=ray-2&count=2"),
    "gallery:concepts": Sample(query="concepts=orbit_left"),
    "gallery:takes": Sample(of=Of.TAKES),
    "gallery:activity": Sample(),
    "gallery:activity_choices": Sample(),
    "gallery:activity_export": Sample(),
    "gallery:detail": GENERATION,
    "gallery:detail_live": Sample(of=Of.GENERATION, query="since=0"),
    "gallery:raw_answer": GENERATION,
    "gallery:rename": Sample(of=Of.GENERATION, form={"title": "Another title"}),
    "gallery:notes": Sample(of=Of.GENERATION, form={"text": "Another note"}),
    "gallery:note_change": Sample(of=Of.NOTE, query="note={note}", form={"text": "Another note"}),
    "gallery:note_delete": Sample(of=Of.NOTE, query="note={note}"),
    "gallery:note_restore": Sample(of=Of.DELETED_NOTE, query="note={note}"),
    "gallery:favourite": Sample(of=Of.GENERATION, form={"is_favourite": "1"}),
    "gallery:make_private": GENERATION,
    "gallery:make_shared": Sample(of=Of.GENERATION, is_idle=True),
    "gallery:trash_one": GENERATION,
    "gallery:restore": GENERATION,
    "gallery:trash_many": Sample(of=Of.GENERATION, form={"g": "{pk}"}, is_bulk=True),
    "gallery:restore_many": Sample(of=Of.GENERATION, form={"g": "{pk}"}, is_bulk=True),
    "gallery:check_now": GENERATION,
    "gallery:fetch_again": GENERATION,
    "gallery:stop_tracking": GENERATION,
    # news
    "news:index": Sample(),
    "news:fresh": Sample(query="since=0"),
    "news:read": Sample(form={"until": "999999999"}),
    "news:preferences": Sample(form={"kinds": "failed", "whose": "everyones", "mail": "daily"}),
    "news:unsubscribe": Sample(is_dead=True),  # without what only a mail's link holds
    # sharing
    "sharing:page": Sample(of=Of.LINK, form={"password": "{link_password}"}),
    "sharing:brand": LINK,
    "sharing:guest_logo": LINK,
    "sharing:card": LINK,
    "sharing:oembed": LINK,
    "sharing:embed": LINK,
    "sharing:item_card": LINK,
    "sharing:item_embed": LINK,
    "sharing:item": LINK,
    "sharing:film": LINK,
    "sharing:poster": LINK,
    "sharing:download": LINK,
    "sharing:links": Sample(),
    "sharing:new": Sample(of=Of.GENERATION, query="g={pk}", form={"g": "{pk}", **LINK_FORM}),
    "sharing:edit": Sample(of=Of.SHARE, form=LINK_FORM),
    "sharing:add": Sample(of=Of.SHARE, form={"link": "{pk}", "g": "{addable}"}),
    "sharing:take_out": Sample(of=Of.SHARE, form={"number": "1"}),
    "sharing:extend": Sample(of=Of.SHARE),
    "sharing:revoke": Sample(of=Of.SHARE),
    "sharing:revoke_many": Sample(of=Of.SHARE, form={"link": "{pk}"}, is_bulk=True),
    "sharing:bring_back": Sample(of=Of.SHARE, is_idle=True),
    "sharing:bring_back_many": Sample(of=Of.SHARE, form={"link": "{pk}"}, is_idle=True, is_bulk=True),
    "sharing:qr": Sample(of=Of.SHARE),
    "sharing:policy": Sample(form={"most_download": "nothing", "settle": "revoke"}),
    "sharing:sites": Sample(form={"embed_sites": "https://example.com"}),
    "sharing:look": Sample(form={"accent": "#112233"}),
    "sharing:logo": Sample(),
    # past: this connection's provider has no list, so there is nothing to begin or to stop
    "past:index": CONNECTION,
    "past:progress": CONNECTION,
    "past:look": Sample(of=Of.CONNECTION, is_idle=True),
    "past:bring_in": Sample(of=Of.CONNECTION, is_idle=True),
    "past:cancel": Sample(of=Of.CONNECTION, is_idle=True),
    # submission
    "submission:unsettled": Sample(),
    "submission:look": Sample(of=Of.INTENT, is_idle=True),
    "submission:choose": Sample(of=Of.INTENT, form={"task_id": "planted-candidate"}),
    "submission:dismiss": Sample(of=Of.INTENT),
    "submission:send_again": Sample(of=Of.INTENT),
    "submission:prices": Sample(form=PRICE),
    "submission:price": Sample(of=Of.PRICE, form=PRICE),
    "submission:price_remove": Sample(of=Of.PRICE),
    "submission:picture": Sample(of=Of.PICTURE),
    "submission:picture_link": Sample(last=("jpg",)),
    # news
    "webhooks:index": Sample(),
    "webhooks:add": Sample(form={**WEBHOOK_FORM, "format": "json", "url": "https://example.com/x"}),
    "webhooks:edit": Sample(of=Of.WEBHOOK, form=WEBHOOK_FORM),
    "webhooks:log": Sample(of=Of.WEBHOOK),
    "webhooks:test": Sample(of=Of.WEBHOOK),
    "webhooks:pause": Sample(of=Of.WEBHOOK),
    "webhooks:resume": Sample(of=Of.WEBHOOK, is_idle=True),
    "webhooks:rotate": Sample(of=Of.WEBHOOK),
    "webhooks:remove": Sample(of=Of.WEBHOOK),
    "webhooks:callbacks": Sample(),
    "webhooks:callback_secret": Sample(),
    "webhooks:replay": Sample(of=Of.DELIVERY),
    "hook": Sample(),
    # ops
    "ops:healthz": Sample(),
    "ops:readyz": Sample(),
    "ops:metrics": Sample(),
}
