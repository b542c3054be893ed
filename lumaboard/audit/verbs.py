"""Every act that is recorded: what kind it is, who may read of it, and the sentence that tells it.

An act that is not in this table cannot be recorded. A sentence names its parts in braces: `{who}` did it, to `{what}`;
the others are names of the row's `detail` (`gallery.sentences` says how each is shown).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """Acts that people look for together."""

    GENERATIONS = "generations", _("Generations")
    DOWNLOADS = "downloads", _("Downloads")
    TRASH = "trash", _("Trash")
    SHARES = "shares", _("Share links")
    PEOPLE = "people", _("People")
    KEYS = "keys", _("Connections")
    SETTINGS = "settings", _("Settings")
    ACCOUNT = "account", _("Accounts")  # of a person or of the whole installation: in no workspace


class Audience(models.TextChoices):
    """Who may read of an act."""

    MEMBERS = "members", _("Everybody in the workspace")
    ADMINS = "admins", _("Admins and owners")


def owner_alone(user_id: int) -> str:
    """The audience of what is done to somebody's private work: that person, whatever anybody's role."""
    return f"person:{user_id}"


AUDIENCES: Final = {
    Kind.GENERATIONS: Audience.MEMBERS,
    Kind.DOWNLOADS: Audience.MEMBERS,
    Kind.TRASH: Audience.MEMBERS,
    Kind.SHARES: Audience.MEMBERS,
    Kind.PEOPLE: Audience.ADMINS,
    Kind.KEYS: Audience.ADMINS,
    Kind.SETTINGS: Audience.ADMINS,
    Kind.ACCOUNT: Audience.ADMINS,
}


@dataclass(frozen=True, slots=True)
class Verb:
    kind: Kind
    sentence: Promise


VERBS: Final[dict[str, Verb]] = {
    "track": Verb(Kind.GENERATIONS, _("{who} tracked {what}")),
    "submit": Verb(Kind.GENERATIONS, _("{who} submitted {what}")),
    "past.brought_in": Verb(Kind.GENERATIONS, _("{who} brought in {what}")),
    "submission.looked": Verb(Kind.GENERATIONS, _("{who} had the provider’s list looked through for {what}")),
    "submission.chosen": Verb(Kind.GENERATIONS, _("{who} said what came of {what}")),
    "submission.dismissed": Verb(Kind.GENERATIONS, _("{who} dismissed {what}, whose outcome is not known")),
    "submission.repeated": Verb(Kind.GENERATIONS, _("{who} sent {what} again")),
    "rename": Verb(Kind.GENERATIONS, _("{who} renamed “{old}” to {what}")),
    "untitle": Verb(Kind.GENERATIONS, _("{who} removed the title “{old}” from {what}")),
    "make_private": Verb(Kind.GENERATIONS, _("{who} made {what} private")),
    "make_shared": Verb(Kind.GENERATIONS, _("{who} shared {what} with everyone")),
    "note.written": Verb(Kind.GENERATIONS, _("{who} wrote a note on {what}")),
    "note.changed": Verb(Kind.GENERATIONS, _("{who} changed a note on {what}")),
    "note.deleted": Verb(Kind.GENERATIONS, _("{who} deleted a note on {what}")),
    "note.brought_back": Verb(Kind.GENERATIONS, _("{who} brought back a note on {what}")),
    "check_now": Verb(Kind.GENERATIONS, _("{who} asked the provider about {what} again")),
    "fetch_again": Verb(Kind.GENERATIONS, _("{who} had the files of {what} fetched again")),
    "download": Verb(Kind.DOWNLOADS, _("{who} downloaded {what} ({file})")),
    "stop_tracking": Verb(Kind.TRASH, _("{who} stopped tracking {what} and moved it to the trash")),
    "trash": Verb(Kind.TRASH, _("{who} moved {what} to the trash")),
    "delete_upstream": Verb(Kind.TRASH, _("{who} deleted {what} at the provider")),
    "restore": Verb(Kind.TRASH, _("{who} brought {what} back from the trash")),
    "link.made": Verb(Kind.SHARES, _("{who} made the share link {what}")),
    "link.changed": Verb(Kind.SHARES, _("{who} changed the share link {what}")),
    "link.revoked": Verb(Kind.SHARES, _("{who} revoked the share link {what}")),
    "link.brought_back": Verb(Kind.SHARES, _("{who} brought back the share link {what}")),
    "invitation.sent": Verb(Kind.PEOPLE, _("{who} invited {email} as {role}")),
    "invitation.withdrawn": Verb(Kind.PEOPLE, _("{who} withdrew the invitation of {email}")),
    "member.joined": Verb(Kind.PEOPLE, _("{who} joined as {role}")),
    "member.role_changed": Verb(Kind.PEOPLE, _("{who} changed the role of {what} from {old_role} to {new_role}")),
    "member.removed": Verb(Kind.PEOPLE, _("{who} removed {what} from the workspace")),
    "member.left": Verb(Kind.PEOPLE, _("{who} left the workspace")),
    "connection.added": Verb(Kind.KEYS, _("{who} added the connection {what}")),
    "connection.changed": Verb(Kind.KEYS, _("{who} changed the connection {what}")),
    "connection.key_replaced": Verb(Kind.KEYS, _("{who} replaced the key of {what}")),
    "connection.tested": Verb(Kind.KEYS, _("{who} tested {what}")),
    "connection.paused": Verb(Kind.KEYS, _("{who} paused {what}")),
    "connection.resumed": Verb(Kind.KEYS, _("{who} resumed {what}")),
    "connection.removed": Verb(Kind.KEYS, _("{who} removed the connection {what}")),
    "webhook.added": Verb(Kind.SETTINGS, _("{who} added the webhook “{name}” to {host}")),
    "webhook.changed": Verb(Kind.SETTINGS, _("{who} changed the webhook “{name}”")),
    "webhook.secret_replaced": Verb(Kind.SETTINGS, _("{who} replaced the signing secret of the webhook “{name}”")),
    "webhook.tested": Verb(Kind.SETTINGS, _("{who} sent a test to the webhook “{name}”")),
    "webhook.paused": Verb(Kind.SETTINGS, _("{who} paused the webhook “{name}”")),
    "webhook.resumed": Verb(Kind.SETTINGS, _("{who} resumed the webhook “{name}”")),
    "webhook.removed": Verb(Kind.SETTINGS, _("{who} removed the webhook “{name}”")),
    "webhook.replayed": Verb(Kind.SETTINGS, _("{who} had something told to “{name}” again")),
    "callbacks.secret_replaced": Verb(Kind.SETTINGS, _("{who} replaced the signing secret of callbacks")),
    "past.looked": Verb(Kind.KEYS, _("{who} looked for the past of {what}")),
    "past.begun": Verb(Kind.KEYS, _("{who} began to bring in the past of {what}")),
    "past.cancelled": Verb(Kind.KEYS, _("{who} stopped bringing in the past of {what}")),
    "token.made": Verb(Kind.SETTINGS, _("{who} made the API token “{name}”")),
    "token.revoked": Verb(Kind.SETTINGS, _("{who} revoked the API token “{name}”")),
    "workspace.created": Verb(Kind.SETTINGS, _("{who} created the workspace")),
    "workspace.renamed": Verb(Kind.SETTINGS, _("{who} renamed the workspace from “{old}” to “{new}”")),
    "price.set": Verb(Kind.SETTINGS, _("{who} set the price of {name}: {price}")),
    "price.changed": Verb(Kind.SETTINGS, _("{who} changed the price of {name}: {price}")),
    "price.removed": Verb(Kind.SETTINGS, _("{who} removed the price of {name}: {price}")),
    "activity.exported": Verb(Kind.SETTINGS, _("{who} exported the activity")),
    "workspace.deleted": Verb(Kind.ACCOUNT, _("{who} deleted the workspace “{name}”")),
    "sharing.policy_changed": Verb(Kind.SETTINGS, _("{who} changed what share links must keep to")),
    "sharing.look_changed": Verb(Kind.SETTINGS, _("{who} changed how share pages look")),
    "sharing.sites_changed": Verb(Kind.SETTINGS, _("{who} changed which sites may embed share pages")),
    "setup_link.created": Verb(Kind.ACCOUNT, _("{who} created a set-up link")),
    "person.created": Verb(Kind.ACCOUNT, _("{who} got an account")),
    "person.address_proven": Verb(Kind.ACCOUNT, _("{who} proved that the address of their account is theirs")),
    "person.took_out": Verb(Kind.ACCOUNT, _("{who} took out their data")),
    "person.erased": Verb(Kind.ACCOUNT, _("{who} erased their account")),
    "signed_in": Verb(Kind.ACCOUNT, _("{who} signed in")),
    "single_sign_on.connected": Verb(Kind.ACCOUNT, _("{who} came in through single sign-on for the first time")),
    "single_sign_on.refused": Verb(
        Kind.ACCOUNT, _("{who} refused somebody who came through single sign-on with the address of {what}")
    ),
    "single_sign_on.disconnected": Verb(Kind.ACCOUNT, _("{who} disconnected {what} from single sign-on")),
    "second_factor.added": Verb(Kind.ACCOUNT, _("{who} added a second factor to {what}")),
    "second_factor.removed": Verb(Kind.ACCOUNT, _("{who} removed a second factor of {what}")),
    "sign_in.ended": Verb(Kind.ACCOUNT, _("{who} ended one of their sign-ins")),
    "sign_in.all_ended": Verb(Kind.ACCOUNT, _("{who} signed out everywhere")),
    "password.changed": Verb(Kind.ACCOUNT, _("{who} changed their password")),
    "password.set_by_operator": Verb(Kind.ACCOUNT, _("{who} set the password of {what}")),
}
