"""Everybody who may come to an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lumaboard.accounts.access import RIGHTS, rights_within
from lumaboard.accounts.models import Role, Scope

METRICS_TOKEN = "the-operators-token-0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One kind of person. `role` is theirs in the workspace that is asked for; None: they are not in it."""

    name: str
    role: Role | None = None
    is_signed_in: bool = True
    has_session: bool = True  # a browser that was signed in once; what it is worth is for the site to say
    headers: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[Scope, ...] | None = None  # of the token that a program comes with

    def may(self, right: str) -> bool:
        is_left = self.scopes is None or right in rights_within(self.scopes)
        return is_left and self.role is not None and self.role in RIGHTS[right]


ELSEWHERE = Actor(name="elsewhere")
OPERATOR = Actor(
    name="operator", is_signed_in=False, has_session=False, headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
)
GUEST = Actor(name="guest", is_signed_in=False, has_session=False)
"""Somebody with the password of the locked share link, who is in."""
VISITOR = Actor(name="visitor", is_signed_in=False, has_session=False)
"""Who may hold a share link, without its password."""
ACTORS = (
    *(Actor(name=role.value, role=role) for role in Role),
    ELSEWHERE,
    Actor(name="removed"),
    Actor(name="deactivated", is_signed_in=False),
    VISITOR,
    GUEST,
    OPERATOR,
)


def _program(name: str, role: Role | None, *scopes: Scope) -> Actor:
    """A program with a token of one of the workspace's owners; without a role, of an owner of another workspace."""
    headers = {"Authorization": f"Bearer {token_of(name)}"}
    return Actor(name=name, role=role, scopes=scopes, is_signed_in=False, has_session=False, headers=headers)


def token_of(name: str) -> str:
    """The token of this program; it is nobody's secret."""
    return "lb_" + name.replace(" ", "-").ljust(43, "x")


PROGRAM_ELSEWHERE = _program("token elsewhere", None, *Scope)
PROGRAMS = (*(_program(f"token {scope}", Role.OWNER, scope) for scope in Scope), PROGRAM_ELSEWHERE)
"""What they may at the addresses of the API; who asks for those without a token is nobody."""
PROGRAMS_ON_PAGES = tuple(replace(program, role=None, scopes=None) for program in PROGRAMS if program.role)
"""The same everywhere else, where a token is nothing: whoever comes with one is a visitor."""
MEMBERS = tuple(actor for actor in ACTORS if actor.role is not None)
