"""May they? The one module that answers it, for pages, fragments, media and programs alike.

Strangers to a workspace get 404, exactly as for a workspace that does not exist; members who may not do a thing get 403.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.expressions import Combinable
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lumaboard.accounts.models import ApiToken, Membership, Role, Scope, User, Workspace
from lumaboard.accounts.preferences import apply_preferences
from lumaboard.core.http import BoardRequest

P = ParamSpec("P")

# Each right, and the roles that have it. Seeing, playing and downloading watermarked files come with every membership.
_VIEWER = frozenset(Role)
_REVIEWER = _VIEWER - {Role.VIEWER}
_MEMBER = _REVIEWER - {Role.REVIEWER}
_ADMIN = _MEMBER - {Role.MEMBER}
_OWNER = _ADMIN - {Role.ADMIN}
RIGHTS: dict[str, frozenset[Role]] = {
    "see": _VIEWER,
    "download_raw": _REVIEWER,
    "note": _REVIEWER,  # write notes, change and delete one's own
    "track": _MEMBER,
    "submit": _MEMBER,  # have new generations made, which costs money
    "change_own": _MEMBER,  # rename, check now, fetch again, trash and restore what one made, and keep it private
    "see_raw_answer": _MEMBER,
    "share": _MEMBER,  # make links for outsiders, change and revoke one's own, see all of the workspace's
    "change_all": _ADMIN,  # the same with others' work, and delete their notes
    "manage_shares": _ADMIN,  # change and revoke links that others made
    "manage_policies": _ADMIN,  # what links must keep to, and how their pages look
    "manage_connections": _ADMIN,
    "manage_webhooks": _ADMIN,  # which addresses elsewhere are told what happens
    "manage_workspace": _ADMIN,
    "see_audit": _ADMIN,  # read of acts on people, keys and settings too
    "export": _ADMIN,
    "manage_members": _ADMIN,  # invite, give roles and take them, remove; up to admins
    "manage_owners": _OWNER,  # the same with owners
    "delete_workspace": _OWNER,
}

ROLE_WORDS: dict[Role, Promise] = {
    Role.VIEWER: gettext_lazy(
        "See all work that is not kept private, and what was done to it; play and download watermarked files; "
        "make API tokens for programs that read."
    ),
    Role.REVIEWER: gettext_lazy("Also play and download raw files, and write notes."),
    Role.MEMBER: gettext_lazy(
        "Also track and submit generations, rename, trash and keep private their own, read raw answers, and share by link."
    ),
    Role.ADMIN: gettext_lazy(
        "Also change others’ work, notes, links and tokens, connections, webhooks, what links must keep to, the workspace’s "
        "name, and members up to admin; read and export everything that was done."
    ),
    Role.OWNER: gettext_lazy("Also make and remove owners, of whom one always remains, and delete the workspace."),
}
"""The same as sentences for people, each beside what the role before it may; docs/roles.md has them too."""

# What is left of its maker's rights to each scope of a token. What stands in none of them, no token may: make tokens, keys or
# members, above all.
SCOPES: dict[str, frozenset[str]] = {
    Scope.READ: frozenset({"see", "download_raw", "see_raw_answer"}),
    Scope.TRACK: frozenset({"track", "change_own"}),
    Scope.SUBMIT: frozenset({"submit"}),
    Scope.SHARE: frozenset({"share"}),
    Scope.ADMIN: frozenset({"change_all", "manage_shares", "see_audit", "export"}),
}
_NEEDED = {
    Scope.READ: "see",
    Scope.TRACK: "track",
    Scope.SUBMIT: "submit",
    Scope.SHARE: "share",
    Scope.ADMIN: "change_all",
}


def scopes_for(role: str) -> tuple[Scope, ...]:
    """The scopes that somebody of this role may give a token."""
    return tuple(scope for scope in Scope if role in RIGHTS[_NEEDED[scope]])


def rights_within(scopes: Iterable[str]) -> frozenset[str]:
    """The rights that a token with these scopes leaves its maker; a scope that is no longer known leaves none."""
    return frozenset().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))


def may_give(giver: str, role: str) -> bool:
    """Whether somebody of the first role may give the second, and take it from those who have it."""
    return giver in RIGHTS["manage_owners" if role == Role.OWNER else "manage_members"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person inside a workspace, or a program with a token of theirs, as read for this very request."""

    user: User
    workspace: Workspace
    role: Role
    token: ApiToken | None = None  # that the program came with: its scopes cut what the role allows
    extra: Mapping[str, Any] = field(default_factory=dict)  # what `member_required` was asked to read along

    def may(self, right: str) -> bool:
        """Whether the role has this right, and the token leaves it; an unknown right is a mistake and raises `KeyError`."""
        return self.role in RIGHTS[right] and (self.token is None or right in rights_within(self.token.scopes))

    def may_change(self, created_by_id: int | None) -> bool:
        """Whether this member may rename, trash or re-ask a generation made by that person."""
        return self.may("change_all") or self.owns(created_by_id)

    def owns(self, created_by_id: int | None) -> bool:
        """Whether that is this member's own work, to keep private or to share: nobody else may, whatever the role."""
        return created_by_id == self.user.pk and self.may("change_own")

    @property
    def gives(self) -> tuple[Role, ...]:
        """The roles this member may give to others, and take from them; a program may give none."""
        return tuple(role for role in Role if self.token is None and may_give(self.role, role))

    def require(self, right: str) -> None:
        """Raise `PermissionDenied` unless the role has this right."""
        if not self.may(right):
            if self.token is not None and self.role in RIGHTS[right]:
                raise PermissionDenied(_("The scopes of this token do not allow this."))
            raise PermissionDenied(_("Your role in this workspace does not allow this. An admin can change it."))

    def require_giving(self, *roles: str) -> None:
        """Raise `PermissionDenied` unless this member may give and take all of these roles."""
        if not set(roles) <= set(self.gives):
            raise PermissionDenied(_("Your role in this workspace does not allow this. An owner can change it."))

    def require_change(self, created_by_id: int | None) -> None:
        if not self.may_change(created_by_id):
            raise PermissionDenied(_("Only its owner or an admin can change this generation."))

    def require_own(self, created_by_id: int | None) -> None:
        if not self.owns(created_by_id):
            raise PermissionDenied(_("Only its owner can say who sees this generation."))


class MemberRequest(BoardRequest):
    """A request of a signed-in member, as a view behind `member_required` receives it."""

    user: User
    member: Member


def member_of(request: HttpRequest, slug: str, **also: Combinable) -> Member | None:
    """Return the membership behind this request in the named workspace, or None.

    One query beside the session's own: user, membership and workspace are read in a join, on every request, so that a
    removed member or a deactivated person is out at the next one. `also` names expressions to read in the same query;
    they arrive in `Member.extra`.
    """
    user_id = request.session.get(SESSION_KEY)
    if user_id is None:
        return None
    membership = (
        Membership.objects.select_related("user", "workspace")
        .filter(user_id=user_id, workspace__slug=slug, user__is_active=True)
        .annotate(**also)
        .first()
    )
    if membership is None:
        return None
    stored_hash = request.session.get(HASH_SESSION_KEY, "")
    if not constant_time_compare(stored_hash, membership.user.get_session_auth_hash()):
        return None  # the password was changed elsewhere: this session is over
    request.user = membership.user
    apply_preferences(membership.user)
    return Member(
        user=membership.user,
        workspace=membership.workspace,
        role=Role(membership.role),
        extra={name: getattr(membership, name) for name in also},
    )


def lock_people(workspace_id: int) -> None:
    """Until this transaction ends, nobody else changes who is in the workspace, or as what."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)


@contextmanager
def changing_people(member: Member) -> Iterator[Member]:
    """Open a transaction that holds the workspace's people still, and give this member as read inside it.

    Of two who demote or remove each other at once, the second then sees what the first did. Raises `Http404` for
    somebody who is no member any more.
    """
    with transaction.atomic():
        lock_people(member.workspace.pk)
        own = Membership.objects.filter(workspace=member.workspace, user=member.user, user__is_active=True)
        role = own.values_list("role", flat=True).first()
        if role is None:
            raise Http404
        yield replace(member, role=Role(role))


View = Callable[Concatenate[MemberRequest, P], HttpResponseBase]


def member_required(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Let only members of the workspace named in the path in; the view finds the membership in `request.member`.

    Visitors are sent to sign in; signed-in strangers get 404.
    """
    return member_required_with()(view)


def member_required_with(**also: Combinable) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Like `member_required`, reading more expressions in the very query that reads the membership."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, workspace: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = member_of(request, workspace, **also)
            if member is None:
                if not request.user.is_authenticated:
                    return redirect_to_login(request.get_full_path())
                raise Http404
            request.member = member  # type: ignore[attr-defined]  # this is where a request becomes a MemberRequest
            if not request.headers.get("HX-Request"):
                _remember_workspace(member)
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

        return wrapper

    return decorate


def _remember_workspace(member: Member) -> None:
    """Let `/` lead back here; writes only when somebody with two workspaces went from one to the other.

    Fragments do not count: two open tabs would overwrite each other at every look for news.
    """
    if member.user.last_workspace_id not in (None, member.workspace.pk):
        User.objects.filter(pk=member.user.pk).update(last_workspace=member.workspace)
