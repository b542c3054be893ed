"""What admins enter about links in general: what they must keep to, where they may be framed, how their pages look."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from lumaboard.sharing.guests.embeds import clean_site
from lumaboard.sharing.models import Download, SharePolicy
from lumaboard.sharing.policies import Demands

MOST_SITES: Final = 50
MOST_LOGO_BYTES: Final = 2**20


class PolicyForm(forms.Form):
    """What every link of the workspace must keep to. `settle` is asked for once there are links that would not."""

    most_days = forms.IntegerField(
        label=_("Links live at most"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=_("In days. Left empty, a link may live for ever."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    needs_password = forms.BooleanField(label=_("Every link needs a password"), required=False)
    most_download = forms.ChoiceField(
        label=_("Guests may download at most"), choices=Download.choices, widget=forms.RadioSelect
    )
    settle = forms.ChoiceField(
        label=_("What about these links?"),
        required=False,
        choices=[("leave", _("Leave them until they end")), ("revoke", _("Revoke them now"))],
        widget=forms.RadioSelect,
    )

    def demands(self) -> Demands:
        """What a form that is valid asks of links."""
        return Demands(
            most_days=self.cleaned_data["most_days"],
            needs_password=self.cleaned_data["needs_password"],
            most_download=Download(self.cleaned_data["most_download"]),
        )


class LookForm(forms.Form):
    """The accent colour and logo of the pages that guests see."""

    accent = forms.CharField(
        label=_("Accent colour"),
        required=False,
        max_length=7,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Six digits after a #, such as #7c5cff."))],
        help_text=_("Such as #7c5cff. It is lightened where it could not be seen on a dark page."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("PNG, JPEG or WebP up to 1 MB, best with a transparent ground. It is shown 24 pixels high."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    removes_logo = forms.BooleanField(label=_("Remove the logo"), required=False)

    def clean_logo(self) -> File[bytes] | None:
        logo: File[bytes] | None = self.cleaned_data["logo"]
        if logo is not None and logo.size > MOST_LOGO_BYTES:
            raise ValidationError(_now("This file is larger than 1 MB."))
        return logo

    def clean_accent(self) -> str:
        return str(self.cleaned_data["accent"]).lower()


class SitesForm(forms.Form):
    """The sites that may show our pages in a frame, one to a line."""

    embed_sites = forms.CharField(
        label=_("Sites"),
        required=False,
        max_length=10_000,
        help_text=_("One to a line, such as https://example.com or https://*.example.com. Left empty, no site may."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
    )

    def clean_embed_sites(self) -> list[str]:
        lines = [line.strip() for line in str(self.cleaned_data["embed_sites"]).splitlines()]
        sites = list(dict.fromkeys(clean_site(line) for line in lines if line))
        if len(sites) > MOST_SITES:
            raise ValidationError(_now("These are more than %(count)d sites.") % {"count": MOST_SITES})
        return sites


def initial_of(policy: SharePolicy) -> dict[str, Any]:
    """What the forms show before anything was entered."""
    return {
        "most_days": policy.most_days,
        "needs_password": policy.needs_password,
        "most_download": policy.most_download,
        "accent": policy.accent,
        "embed_sites": "\n".join(policy.embed_sites),
    }
