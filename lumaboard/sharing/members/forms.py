"""The one form of a share link's terms, for making it and for changing it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lumaboard.sharing.models import DOWNLOAD_RANK, LONGEST_SLUG, Download, ShareLink, is_slug
from lumaboard.sharing.operations import SlugNeedsPassword, SlugTaken, Terms
from lumaboard.sharing.policies import Demands, PolicyBroken
from lumaboard.sharing.words import day_of

PRESETS: Final = (1, 7, 30, 90)
USUAL: Final = 30
SHORTEST_PASSWORD: Final = 6
MOST_VIEWS: Final = 1_000_000
FURTHEST: Final = timedelta(days=3653)
_DATE, _NEVER, _KEEP = "date", "never", "keep"


class AddressField(forms.CharField):
    """The last part of an address, in lower case however it was typed."""

    def to_python(self, value: str | None) -> str:
        return str(super().to_python(value)).lower()


class LinkForm(forms.Form):
    """What a link allows, and for how long. Ends are computed here, by the reader's calendar and the server's clock."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Guests see it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    ends = forms.ChoiceField(label=gettext_lazy("Ends"))
    ends_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        min_length=SHORTEST_PASSWORD,
        max_length=128,
        # kept on a form that comes back with an error: it goes to nobody but whoever typed it
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
    )
    no_password = forms.BooleanField(label=gettext_lazy("Remove the password"), required=False)
    view_limit = forms.IntegerField(
        label=gettext_lazy("View limit"),
        required=False,
        min_value=1,
        max_value=MOST_VIEWS,
        help_text=gettext_lazy("Guests then press “Watch”, which uses up one view."),
    )
    download = forms.ChoiceField(label=gettext_lazy("Guests may download"), widget=forms.RadioSelect)
    shows_details = forms.BooleanField(label=gettext_lazy("Show titles, prompt and details"), required=False)
    slug = AddressField(
        label=gettext_lazy("Last part of the address"),
        max_length=LONGEST_SLUG,
        required=False,
        validators=[is_slug],
        error_messages={
            "invalid": gettext_lazy("Use 3 to 40 small letters and digits, with single hyphens between them.")
        },
        help_text=gettext_lazy("Small letters, digits and hyphens. It can be guessed, so it needs a password."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        demands: Demands,
        now: datetime,
        link: ShareLink | None = None,
        name: str = "",
    ) -> None:
        super().__init__(data, initial=_initial(demands, link, name))
        self.demands, self.now, self.link = demands, now, link
        self.fields["ends"].choices = _ends(demands, link, now)  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["download"].choices = Download.choices  # type: ignore[attr-defined]  # a ChoiceField
        today = timezone.localdate(now)
        self.fields["ends_on"].widget.attrs |= {"min": str(today), "max": str(_last_day(demands, now))}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("ends") == _DATE and "ends_on" not in self.errors:
            self._clean_day(data.get("ends_on"))
        if data.get("no_password") and data.get("password"):
            self.add_error("password", _("Type a new password or remove the old one, not both."))
        return data

    def terms(self) -> Terms:
        """The terms of a form that is valid."""
        data = self.cleaned_data
        return Terms(
            name=data["name"],
            expires_at=self._expires_at(),
            password="" if data["no_password"] else data["password"] or None,
            view_limit=data["view_limit"],
            download=Download(data["download"]),
            shows_details=data["shows_details"],
            slug=data["slug"] or None,
        )

    def blame(self, error: PolicyBroken | SlugTaken | SlugNeedsPassword) -> None:
        """Say beside the field what the database or the workspace's policy did not take."""
        if isinstance(error, SlugTaken):
            self.add_error("slug", _("Another link has this address. Choose a different one."))
        elif isinstance(error, SlugNeedsPassword):
            self.add_error("password", _("An address that can be guessed needs a password."))
        else:
            for name in error.breaches:
                self.add_error({"expires_at": "ends"}.get(name, name), say_breach(name, self.demands))

    @property
    def allowed_downloads(self) -> set[str]:
        """What the workspace lets links hand out; the other choices are shown, but closed."""
        most = DOWNLOAD_RANK[self.demands.most_download]
        return {choice.value for choice, rank in DOWNLOAD_RANK.items() if rank <= most}

    def _clean_day(self, day: date | None) -> None:
        if day is None:
            self.add_error("ends_on", _("Choose the last day."))
        elif day < timezone.localdate(self.now):
            self.add_error("ends_on", _("Choose today or a later day."))
        elif day > timezone.localdate(self.now + FURTHEST):
            self.add_error("ends_on", _("Choose a day within ten years, or no end."))

    def _expires_at(self) -> datetime | None:
        ends = self.cleaned_data["ends"]
        if ends == _KEEP:
            return self.link.expires_at if self.link else None
        if ends == _NEVER:
            return None
        if ends == _DATE:
            return self._end_of(self.cleaned_data["ends_on"])
        return self.now + timedelta(days=int(ends))

    def _end_of(self, day: date) -> datetime:
        """The last second of that day; on the last day the workspace allows, the last moment it allows."""
        end = timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
        if self.demands.most_days is not None and day == _last_day(self.demands, self.now):
            return min(end, self.now + timedelta(days=self.demands.most_days))
        return end


def say_breach(name: str, demands: Demands) -> str:
    """What the workspace demands of a link, where it is too free."""
    if name == "expires_at":
        days = demands.most_days or 0
        return ngettext(
            "This workspace lets links live %(days)d day at most.",
            "This workspace lets links live %(days)d days at most.",
            days,
        ) % {"days": days}
    if name == "password":
        return _("This workspace demands a password on every link.")
    most = {
        Download.NOTHING: _("This workspace lets guests download nothing."),
        Download.WATERMARKED: _("This workspace lets guests download watermarked files only."),
    }
    return most.get(demands.most_download, "")


def _initial(demands: Demands, link: ShareLink | None, name: str) -> dict[str, Any]:
    if link is None:
        return {"name": name[:120], "ends": str(min(USUAL, demands.most_days or USUAL)), "download": Download.NOTHING}
    return {
        "name": link.name,
        "ends": _KEEP,
        "view_limit": link.view_limit,
        "download": link.download,
        "shows_details": link.shows_details,
        "slug": link.slug or "",
    }


def _ends(demands: Demands, link: ShareLink | None, now: datetime) -> list[tuple[str, str]]:
    """The ends to choose from: those the workspace allows, each with its day."""
    most = demands.most_days
    days = sorted(
        {day for day in PRESETS if most is None or day <= most} | ({most} if most and most < USUAL else set())
    )
    choices = [(str(count), _in_days(count, now)) for count in days]
    if link is not None:
        ends_at = link.expires_at
        kept = _("As it is: %(day)s") % {"day": day_of(ends_at, now=now)} if ends_at else _("As it is: no end")
        choices.insert(0, (_KEEP, kept))
    choices.append((_DATE, _("On a day …")))
    if most is None:
        choices.append((_NEVER, _("Never")))
    return choices


def _in_days(count: int, now: datetime) -> str:
    words = ngettext("In %(days)d day (%(day)s)", "In %(days)d days (%(day)s)", count)
    return words % {"days": count, "day": day_of(now + timedelta(days=count), now=now)}


def _last_day(demands: Demands, now: datetime) -> date:
    return timezone.localdate(now + (FURTHEST if demands.most_days is None else timedelta(days=demands.most_days)))
