"""What people enter about a webhook. Its address is a secret, so it is never written back into a page."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from lumaboard.news.hooks.models import Format
from lumaboard.news.models import EventKind
from lumaboard.outbound import AddressPolicy

LONGEST_URL = 2_000


def clean_url(text: str) -> str:
    """Return an address that may be called, as far as can be seen from here; raises `ValidationError`.

    Where a name leads is judged when the socket is opened.
    """
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc or not text.isprintable():
        raise ValidationError(_now("Enter an address that begins with https://, without user name or password."))
    policy = AddressPolicy(settings.ALLOWED_BY_OPERATOR)
    try:
        literal = ip_address(host)
    except ValueError:
        literal = None
    if literal is not None and not policy.permits(literal):
        raise ValidationError(
            _now("%(host)s is not a public address. The operator can allow its network with LUMABOARD_ALLOW_NETWORKS.")
            % {"host": host}
        )
    is_allowed = literal is not None and policy.is_allowed_by_operator(literal)
    if parts.scheme == "http" and not is_allowed and not settings.ALLOWED_BY_OPERATOR:
        raise ValidationError(_now("Use https: plain http goes only into networks that the operator allowed."))
    return parts._replace(fragment="").geturl()


class EditForm(forms.Form):
    """Name, kinds and address of a webhook."""

    name = forms.CharField(label=_("Name"), max_length=100)
    kinds = forms.MultipleChoiceField(
        label=_("Tell it when"), choices=EventKind.choices, widget=forms.CheckboxSelectMultiple
    )
    url = forms.CharField(
        label=_("New address"),
        required=False,
        max_length=LONGEST_URL,
        help_text=_("Leave it empty to keep the one there is. Another address gets a new signing secret."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_url(self) -> str:
        text = self.cleaned_data["url"].strip()
        return clean_url(text) if text else ""


class AddForm(EditForm):
    """A new webhook."""

    format = forms.ChoiceField(label=_("Format"), choices=Format.choices, widget=forms.RadioSelect, initial=Format.JSON)
    url = forms.CharField(
        label=_("Address"),
        max_length=LONGEST_URL,
        help_text=_("Kept encrypted, and never shown whole again."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("format", "name", "url", "kinds")
