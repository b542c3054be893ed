"""The forms of the set-up, invitation and settings pages, and allauth's reset form without its sign-up link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final
from zoneinfo import available_timezones

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from lumaboard.accounts.models import Role, Scope, User, Workspace

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _WorkspaceForm = forms.ModelForm[Workspace]
else:  # when the program runs, Django's forms take no type parameter
    _UserForm = _WorkspaceForm = forms.ModelForm

# Names outside these regions are old ones, kept by the system for the sake of old configurations.
_REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class NewcomerForm(forms.ModelForm):
    """What somebody new says of themselves; `email` is theirs where the form does not ask for it."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields: tuple[str, ...] = ("name",)
        widgets: ClassVar[dict[str, forms.Widget | type[forms.Widget]]] = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
        }

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        email = self.cleaned_data.get("email", self.email)
        validate_password(password, user=User(name=self.cleaned_data.get("name", ""), email=email))
        return password


class SetupForm(NewcomerForm):
    """The first person and the workspace they will own."""

    workspace_name = forms.CharField(
        label=_("Workspace"),
        max_length=100,
        help_text=_("Your team, studio or project. The name can be changed later."),
    )

    class Meta(NewcomerForm.Meta):
        fields = ("name", "email")
        widgets: ClassVar[dict[str, forms.Widget | type[forms.Widget]]] = {
            **NewcomerForm.Meta.widgets,
            "email": forms.EmailInput(attrs={"autocomplete": "username"}),
        }

    field_order = ("name", "email", "password", "workspace_name")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.lower()


class ProfileForm(forms.ModelForm):
    """What a person chooses for themselves."""

    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = User
        fields = ("name", "theme", "time_zone", "language")
        widgets: ClassVar[dict[str, forms.Widget | type[forms.Widget]]] = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "theme": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        like_server = _("Like the server (%(zone)s)") % {"zone": settings.TIME_ZONE}
        self.fields["time_zone"].choices = [("", like_server), *time_zones()]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["language"].choices = [("", _("Like my browser")), *settings.LANGUAGES]  # type: ignore[attr-defined]


class WorkspaceForm(forms.ModelForm):
    class Meta:
        model = Workspace
        fields = ("name",)


class RoleForm(forms.Form):
    """A role of a member; whether it may be given is asked elsewhere."""

    role = forms.ChoiceField(choices=Role.choices)


class InviteForm(forms.Form):
    """Whom to ask in, and as what: one of the roles the inviter may give."""

    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), initial=Role.MEMBER)

    def __init__(self, *args: Any, roles: Iterable[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_email(self) -> str:
        """Hold the address to the rules as it will be kept: some letters are others, or more, in lower case."""
        email: str = self.cleaned_data["email"]
        return str(self.fields["email"].clean(email.lower()))


class TokenForm(forms.Form):
    """What a token is called, what it is for, and how long it lasts."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("What will use it, such as the name of a script or a machine."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one.")},
    )
    days = forms.TypedChoiceField(label=_("Expires"), coerce=int, empty_value=None, required=False, initial=90)
    connection = forms.TypedChoiceField(
        label=_("Connection"),
        coerce=int,
        empty_value=None,
        required=False,
        help_text=_("Through which its calls leave where they name none."),
    )

    def __init__(
        self, *args: Any, scopes: Sequence[Scope], connections: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        """`connections` are number and name of those there are; of one alone nobody is asked."""
        super().__init__(*args, **kwargs)
        if len(connections) > 1:
            self.fields["connection"].choices = [("", _("The oldest in use")), *connections]  # type: ignore[attr-defined]  # a ChoiceField
        else:
            del self.fields["connection"]
        self.fields["scopes"].choices = [(scope.value, SCOPE_WORDS[scope]) for scope in scopes]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["scopes"].initial = [Scope.READ]
        self.fields["days"].choices = [  # type: ignore[attr-defined]
            (7, _("in 7 days")),
            (30, _("in 30 days")),
            (90, _("in 90 days")),
            (365, _("in a year")),
            ("", _("never")),
        ]

    def expires_at(self, now: datetime) -> datetime | None:
        days: int | None = self.cleaned_data["days"]
        return None if days is None else now + timedelta(days=days)


SCOPE_WORDS: Final = {
    Scope.READ: _("Read: see generations, people and activity, and download files"),
    Scope.TRACK: _("Track: track generations; rename, check, trash and restore your own"),
    Scope.SUBMIT: _("Submit: have new generations made, which your provider charges for"),
    Scope.SHARE: _("Share: make share links, change and revoke your own"),
    Scope.ADMIN: _("Admin: with the other scopes, also others’ generations and links, and all activity"),
}


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]  # allauth carries no types
    """Ask for a link by mail.

    An address nobody has gets a mail too, which says so: to whoever asks, both look and last the same.
    """

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = self.cleaned_data["email"]
        if self.users:
            super().save(request, **kwargs)
        else:
            get_adapter().send_mail("account/email/unknown_account", email, {})
        return email


@cache
def time_zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every place name the system knows, grouped by region for a select box."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(available_timezones()):
        region, _slash, place = zone.partition("/")
        if region in _REGIONS and place:
            groups.setdefault(region, []).append((zone, place.replace("_", " ").replace("/", ", ")))
    return [*groups.items(), ("UTC", [("UTC", "UTC")])]
