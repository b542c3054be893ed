"""The form of what somebody wants to hear of."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from lumaboard.news.models import EventKind, MailPace, Preference, Whose

KIND_WORDS = {
    EventKind.SUCCEEDED: _("Ready: a generation succeeded"),
    EventKind.FAILED: _("Failed: a generation came to nothing"),
    EventKind.AT_RISK: _("File at risk: the provider’s link ends soon, and there is no copy yet"),
    EventKind.LOST: _("File lost: the link ended before there was a copy"),
    EventKind.BATCH_DONE: _("Batch done: all that was asked for together is settled"),
}


class PreferenceForm(forms.ModelForm):
    kinds = forms.MultipleChoiceField(
        label=_("What to hear of"), required=False, choices=KIND_WORDS.items(), widget=forms.CheckboxSelectMultiple
    )
    whose = forms.ChoiceField(label=_("Whose work"), choices=Whose.choices, widget=forms.RadioSelect)
    mail = forms.ChoiceField(label=_("How often"), choices=MailPace.choices)

    class Meta:
        model = Preference
        fields = ("kinds", "whose", "shows_toasts", "notifies", "mail", "warns_by_mail")
        labels: ClassVar = {
            "shows_toasts": _("Say it in a corner of the page, where it is about my own work"),
            "notifies": _("Let my browser say it, while the board’s tab is hidden"),
            "warns_by_mail": _("Mail me at once when a file of my own is at risk or lost, whatever is chosen above"),
        }
