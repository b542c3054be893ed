"""What people enter about a connection. A key is never written back into a page, so it is entered again after an error."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from lumaboard.connections.addresses import clean_address, preset_address
from lumaboard.connections.models import Connection, Kind

DEMO_KEY = "demo"
PACES = [
    (1.0, _("As usual")),
    (2.0, _("Half as often")),
    (4.0, _("A quarter as often")),
    (10.0, _("A tenth as often")),
]


def _key_field(**options: Any) -> forms.CharField:
    """A field that htmx leaves in the page when it swaps the form, so that a typed key survives a failed check."""
    attrs = {"autocomplete": "off", "spellcheck": "false", "hx-preserve": "true"}
    return forms.CharField(label=_("API key"), max_length=500, widget=forms.PasswordInput(attrs=attrs), **options)


def _address_field() -> forms.CharField:
    return forms.CharField(
        label=_("Address"),
        required=False,
        max_length=300,
        help_text=_("Only for a relay or a provider of your own. Left empty, it is the provider's address."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )


class PaceField(forms.TypedChoiceField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Pace"),
            choices=PACES,
            coerce=float,
            initial=1.0,
            help_text=_("How often unfinished generations are looked up. Slower where the provider bills look-ups."),
        )


class WelcomeForm(forms.Form):
    """The first connection: which provider, and its key."""

    kind = forms.ChoiceField(label=_("Provider"), choices=Kind.choices, widget=forms.RadioSelect, initial=Kind.COMETAPI)
    key = _key_field(required=False)

    def clean(self) -> dict[str, Any]:
        """The demo provider takes any key, so it has one of its own; the others need one."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        kind = values.get("kind")
        if kind and not values.get("key") and "key" not in self.errors:
            if kind == Kind.SIMULATOR:
                values["key"] = DEMO_KEY
            else:
                self.add_error("key", _now("Enter the key from the provider's page."))
        if kind and "base_url" not in self.errors:
            values["base_url"] = values.get("base_url") or preset_address(kind)
        return values


class AddForm(WelcomeForm):
    """Any connection after the first."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        required=False,
        help_text=_("So that two keys can be told apart, such as “Client jobs”."),
    )
    base_url = _address_field()
    pace_factor = PaceField()
    field_order = ("kind", "key", "name", "base_url", "pace_factor")

    def clean_base_url(self) -> str:
        text: str = self.cleaned_data["base_url"]
        return clean_address(text) if text else ""


class RenameForm(forms.Form):
    """What a connection is called, and how often it is asked."""

    name = forms.CharField(label=_("Name"), max_length=100)
    pace_factor = PaceField()


class ReplaceKeyForm(forms.Form):
    """A new key. It is bound to the address beside it: whoever changes the one has to enter the other."""

    key = _key_field()
    base_url = _address_field()

    def __init__(self, data: QueryDict | None = None, *, connection: Connection) -> None:
        super().__init__(data, initial={"base_url": connection.base_url})
        self._connection = connection

    def clean_base_url(self) -> str:
        text: str = self.cleaned_data["base_url"]
        return clean_address(text) if text else preset_address(self._connection.kind)
