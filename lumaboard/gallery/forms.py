"""Forms of the members' pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lumaboard.connections.models import Connection
from lumaboard.generations.notes import LONGEST
from lumaboard.generations.paste import MOST_CHARACTERS


class RenameForm(forms.Form):
    """A title of our own; empty shows the prompt."""

    title = forms.CharField(
        label=_("Title"), max_length=200, required=False, help_text=_("Leave it empty to show the prompt.")
    )


class NoteForm(forms.Form):
    """A note as it was typed. Longer ones are refused with a sentence, and nothing of them is cut off."""

    text = forms.CharField(
        label=_("Note"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": _("Write something first."),
            "max_length": _("A note has room for %(limit_value)d characters; this one has %(show_value)d."),
            "null_characters_not_allowed": _("The text holds characters that cannot be read."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["text"].widget.attrs["maxlength"]  # browsers cut off without a word what is pasted beyond it

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


class PasteForm(forms.Form):
    """Whatever holds ids: pasted, or in a text file."""

    connection = forms.ModelChoiceField(label=_("Ask through"), queryset=Connection.objects.none(), empty_label=None)
    text = forms.CharField(
        label=_("Ids, links, curl lines, logs, JSON or CSV"),
        required=False,
        strip=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"null_characters_not_allowed": _("The text holds characters that cannot be read.")},
    )
    file = forms.FileField(label=_("Choose a file"), required=False)

    def __init__(self, *args: Any, workspace_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connections = Connection.objects.filter(workspace=workspace_id).present().order_by("id")
        self.fields["connection"].queryset = connections  # type: ignore[attr-defined]  # it is a ModelChoiceField

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"])

    def clean(self) -> dict[str, Any]:
        """Put a file's text behind the pasted one; say so where neither holds anything."""
        data = super().clean() or {}
        text = data.get("text", "")
        if file := data.get("file"):
            if file.size > MOST_CHARACTERS:
                raise forms.ValidationError(
                    _("The file is larger than 4 MB. Split it, or paste the lines that matter.")
                )
            text = f"{text}\n{file.read().decode('utf-8', 'replace')}".strip("\n")
        if not text.strip() and "text" not in self.errors:
            self.add_error("text", _("Paste at least one id or link."))
        data["text"] = text
        return data
