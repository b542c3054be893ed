"""Who people are, and which workspaces they may enter."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.accounts.sessions import LONGEST_ADDRESS, LONGEST_AGENT, SessionStore


class UserManager(BaseUserManager["User"]):
    """Make users; an e-mail address is kept in lower case, so that one person cannot exist twice."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Hash the password, which is slow on purpose: not for use inside a transaction."""
        return self.create_hashed(email, make_password(password), **fields)

    def create_hashed(self, email: str, password_hash: str, **fields: Any) -> User:
        """The same with a password that is hashed already."""
        user = self.model(email=email.strip().lower(), password=password_hash, **fields)
        user.save(using=self._db)
        return user

    def anybody(self) -> bool:
        """Whether there is a person here; those who were erased are none."""
        return self.filter(erased_at=None).exists()

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person, known by e-mail address; what they may do is said by their memberships alone."""

    class Theme(models.TextChoices):
        SYSTEM = "", _("Like my device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme.choices, blank=True, default=Theme.SYSTEM)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    last_workspace = models.ForeignKey("accounts.Workspace", null=True, on_delete=models.SET_NULL, related_name="+")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    address_proven_at = models.DateTimeField(null=True)  # since when it is known that the address is the person's
    erased_at = models.DateTimeField(null=True)  # nothing of the person is left here but what points to this row

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="emails_are_lower_case"),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(name="", is_active=False),
                name="erased_people_have_no_name_and_no_way_in",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Former member")) if self.erased_at else self.name or self.email

    @property
    def initials(self) -> str:
        """Up to two letters for the avatar."""
        if self.erased_at:
            return "–"
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @property
    def zone(self) -> ZoneInfo:
        """Where they live by the clock: their own choice, else the server's."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)

    @property
    def hue(self) -> int:
        """Which of the six avatar colours, 1 to 6: the same for this person everywhere."""
        return (self.pk or 0) % 6 + 1


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def present(self) -> WorkspaceQuerySet:
        """Those not deleted."""
        return self.filter(deleted_at=None)


class Workspace(models.Model):
    """The tenant: everything belongs to one.

    `seq` is raised in the same transaction as any change a viewer could see; its row lock orders those transactions, so a
    page that has seen `seq` has seen everything up to it.
    """

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(unique=True, max_length=60)
    seq = models.BigIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)  # nobody is in it from then on; the worker removes what it held

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; the table of rights is `lumaboard.accounts.access.RIGHTS`."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")
    REVIEWER = "reviewer", _("Reviewer")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """A person in a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "workspace"], name="one_membership_per_person_and_workspace"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="memberships_have_a_known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_id} as {self.role}"


class Session(AbstractBaseSession):
    """A browser that was here. Whose it is and where it comes from stand beside the data, so that people can see theirs."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    agent = models.CharField(max_length=LONGEST_AGENT, blank=True, default="")  # what the browser says it is
    address = models.CharField(max_length=LONGEST_ADDRESS, blank=True, default="")
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore


class SetupLink(models.Model):
    """The one-time link that makes the first owner; only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"set-up link of {self.created_at:%Y-%m-%d %H:%M}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Neither accepted nor withdrawn; its time may be over."""
        return self.filter(accepted_at=None, withdrawn_at=None)


class Invitation(models.Model):
    """One address is asked into one workspace, in one role; only the hash of the link's token is kept."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation_per_address_and_workspace",
            ),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="invited_emails_are_lower_case"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitations_have_a_known_role"),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(withdrawn_at=None),
                name="accepted_invitations_are_not_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email} to {self.workspace_id} as {self.role}"


class Scope(models.TextChoices):
    """What a token is for; what each leaves of its maker's rights is said by `lumaboard.accounts.access.SCOPES`."""

    READ = "read", _("Read")
    TRACK = "track", _("Track")
    SUBMIT = "submit", _("Submit")
    SHARE = "share", _("Share")
    ADMIN = "admin", _("Admin")


class ApiToken(models.Model):
    """What a program acts with for a person in a workspace; it ends with their membership. Only its hash is kept."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    connection = models.ForeignKey(  # through which its calls leave where they name none; null: the workspace's choice
        "connections.Connection", null=True, on_delete=models.CASCADE, related_name="+"
    )
    scopes = models.JSONField(default=list)
    token_hash = models.CharField(max_length=64, unique=True)
    last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # to the minute

    def __str__(self) -> str:
        return self.name

    def is_live(self, now: datetime) -> bool:
        """Whether it can be used: neither revoked nor over its time."""
        return self.revoked_at is None and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over; whether it was revoked is another question."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def scope_words(self) -> list[str]:
        """Its scopes as people read them, in their order."""
        return [str(scope.label) for scope in Scope if scope in self.scopes]
