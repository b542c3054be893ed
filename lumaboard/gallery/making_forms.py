"""The form that has generations made: what is typed, and what upstream would refuse of it, said beside the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.core.http import whole_number
from lumaboard.generations.models import Generation
from lumaboard.generations.naming import name_of
from lumaboard.submission import pictures
from lumaboard.submission.frames import NoFrame, cannot_fetch, frame_of, pictured
from lumaboard.submission.lineage import made_anew
from lumaboard.submission.models import Kinship, Picture
from lumaboard.submission.reach import reaches_us
from lumaboard.submission.wishes import (
    ASPECT_RATIOS,
    DURATIONS,
    LONGEST_ADDRESS,
    LONGEST_PROMPT,
    MODELS,
    MOST_TAKES,
    RESOLUTIONS,
    BadConcepts,
    BadOthers,
    Wish,
    objections,
    read_concepts,
    read_others,
    request_of,
)

RECENT: Final = 24
"""So many generations are offered to take a frame from; others come by the buttons of their own page."""

_LONGEST_OTHERS: Final = 20_000
_SIDES: Final = (("start", Kinship.START_FRAME), ("end", Kinship.END_FRAME))

UPLOAD: Final = "upload"
_UPLOAD_CHOICE: Final = (UPLOAD, gettext_lazy("Upload a picture"))
FRAME_KINDS: Final = (
    ("", gettext_lazy("None")),
    _UPLOAD_CHOICE,
    ("url", gettext_lazy("Address of a picture")),
    ("last", gettext_lazy("Last frame of a generation")),
    ("first", gettext_lazy("First frame of a generation")),
)


def _choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _radio(label: Any, choices: list[tuple[str, Any]], initial: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, initial=initial, required=False)


def _hidden_number() -> forms.IntegerField:
    return forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=2**62)


def _file() -> forms.FileField:
    return forms.FileField(
        label=gettext_lazy("Picture"),
        required=False,
        help_text=gettext_lazy("JPEG, PNG or WebP up to 8 MB."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class ConceptsInput(forms.TextInput):
    """Names with commas between, from one field or from a box for each."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> str:
        values = data.getlist(name) if isinstance(data, QueryDict) else [data.get(name)]
        return ", ".join(str(value) for value in values if value)


class MakeForm(forms.Form):
    """A wish for one to eight takes. `token` makes that pressing twice makes them once.

    Files are received before (`uploads`), so that they outlive whatever else is wrong; the form knows them by number.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)
    made_from = _hidden_number()
    connection = forms.ModelChoiceField(
        label=gettext_lazy("Make it through"), queryset=Connection.objects.none(), empty_label=None
    )
    prompt = forms.CharField(
        label=gettext_lazy("Prompt"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"null_characters_not_allowed": gettext_lazy("The text holds characters that cannot be sent.")},
    )
    model = _radio(gettext_lazy("Model"), [*_choices(MODELS), ("", gettext_lazy("Provider's choice"))], "ray-2")
    aspect_ratio = _radio(gettext_lazy("Format"), _choices(ASPECT_RATIOS), "16:9")
    duration = _radio(gettext_lazy("Length"), [("5s", "5 s"), ("9s", "9 s")], "5s")
    resolution = _radio(gettext_lazy("Resolution"), [(value, value) for value in RESOLUTIONS], "720p")
    count = forms.TypedChoiceField(
        label=gettext_lazy("Takes"),
        choices=[(number, str(number)) for number in range(1, MOST_TAKES + 1)],
        coerce=int,
        widget=forms.RadioSelect,
        initial=1,
    )
    loop = forms.BooleanField(
        label=gettext_lazy("Loop"), required=False, help_text=gettext_lazy("Ends on its first frame.")
    )
    is_private = forms.BooleanField(
        label=gettext_lazy("Only for me"),
        required=False,
        help_text=gettext_lazy("Hidden from others until you share it."),
    )
    concepts = forms.CharField(
        label=gettext_lazy("Concepts"),
        required=False,
        max_length=600,
        widget=ConceptsInput,
        help_text=gettext_lazy("Names as the provider lists them, with commas between."),
    )
    start_kind = forms.ChoiceField(label=gettext_lazy("Start frame"), choices=FRAME_KINDS, required=False)
    start_file = _file()
    start_upload = _hidden_number()
    start_url = forms.CharField(label=gettext_lazy("Address"), required=False, max_length=LONGEST_ADDRESS)
    start_generation = forms.IntegerField(
        label=gettext_lazy("Generation"), required=False, min_value=1, max_value=2**62
    )
    end_kind = forms.ChoiceField(label=gettext_lazy("End frame"), choices=FRAME_KINDS, required=False)
    end_file = _file()
    end_upload = _hidden_number()
    end_url = forms.CharField(label=gettext_lazy("Address"), required=False, max_length=LONGEST_ADDRESS)
    end_generation = forms.IntegerField(label=gettext_lazy("Generation"), required=False, min_value=1, max_value=2**62)
    others = forms.CharField(
        label=gettext_lazy("Other parameters"),
        required=False,
        max_length=_LONGEST_OTHERS,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("A JSON object with whatever else the provider takes. It is sent as it stands."),
    )

    def __init__(self, *args: Any, member: Member, unreceived: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        """`unreceived` says by side why a file was not taken."""
        super().__init__(*args, **kwargs)
        self._member = member
        self._unreceived = unreceived or {}
        ways = Connection.objects.filter(workspace=member.workspace).for_making()
        self.fields["connection"].queryset = ways  # type: ignore[attr-defined]  # it is a ModelChoiceField
        self.ways = list(ways)
        is_reached = any(reaches_us(way) for way in self.ways)
        for side, _kind in _SIDES:
            self.fields[f"{side}_generation"].widget = forms.Select(choices=self._offered(side))
            if self.ways and not is_reached:
                self._offer_no_upload(self.fields[f"{side}_kind"], self.ways[0])
        del self.fields["prompt"].widget.attrs["cols"]

    def picture(self, side: str) -> Picture | None:
        """The picture that was received for this side, now or at an earlier try."""
        value = self.data.get(f"{side}_upload") if self.is_bound else self.initial.get(f"{side}_upload")
        return pictures.of_member(self._member, whole_number(str(value or "")))

    def clean_prompt(self) -> str:
        return str(self.cleaned_data["prompt"]).replace("\r\n", "\n").strip()

    def clean_concepts(self) -> tuple[str, ...]:
        try:
            return read_concepts(self.cleaned_data["concepts"].split(","))
        except BadConcepts as error:
            raise forms.ValidationError(str(error)) from error

    def clean_others(self) -> dict[str, Any]:
        try:
            return read_others(self.cleaned_data["others"])
        except BadOthers as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Put the wish together, and say of each field what upstream would refuse in it."""
        data = super().clean() or {}
        connection = data.get("connection")
        if connection is None or "others" not in data or "concepts" not in data:
            return data
        kin: list[tuple[int, str]] = []
        frames = {}
        given: list[int] = []
        for side, kinship in _SIDES:
            kind = data.get(f"{side}_kind", "")
            picture = self.picture(side) if kind == UPLOAD else None
            try:
                if kind == UPLOAD and side in self._unreceived:
                    raise NoFrame(self._unreceived[side])
                frames[side], parent = frame_of(
                    kind,
                    side=side,
                    url=data.get(f"{side}_url", ""),
                    picture=picture,
                    generation=self._generation(data.get(f"{side}_generation")),
                    connection=connection,
                    now=timezone.now(),
                )
            except NoFrame as error:
                self.add_error(f"{side}_kind", str(error))
                return data
            if parent is not None:
                kin.append((parent, kinship))
            if picture is not None:
                given.append(picture.pk)
        if source := self._generation(data.get("made_from")):
            kin.append(made_anew(source, data.get("prompt", "")))
        wish = Wish(
            **{name: data.get(name) or "" for name in ("prompt", "model", "aspect_ratio", "duration", "resolution")},
            loop=data.get("loop", False),
            concepts=data["concepts"],
            start=frames["start"],
            end=frames["end"],
            others=data["others"],
        )
        for name, sentence in objections(wish, kind=connection.kind).items():
            self.add_error(f"{name}_kind" if name in frames else name, sentence)
        data |= {"request": request_of(wish), "kin": kin, "pictures": given}
        return data

    @staticmethod
    def _offer_no_upload(field: forms.Field, way: Connection) -> None:
        field.choices = [choice for choice in FRAME_KINDS if choice != _UPLOAD_CHOICE]  # type: ignore[attr-defined]  # a ChoiceField
        field.help_text = cannot_fetch(way.name)

    def _generation(self, pk: int | None) -> Generation | None:
        """The generation named in this field, as far as this person may see it; another is none."""
        if pk is None:
            return None
        seen = Generation.objects.in_workspace(self._member.workspace.pk).visible_to(self._member.user.pk)
        return seen.present().select_related("connection").filter(pk=pk).first()

    def _offered(self, side: str) -> list[tuple[str, str]]:
        """Recent films to take a frame from, and the one that is chosen already; two short queries for both sides."""
        if not hasattr(self, "_recent"):
            self._recent = pictured(self._member, RECENT)
        rows = list(self._recent)
        chosen = self.data.get(f"{side}_generation") if self.is_bound else self.initial.get(f"{side}_generation")
        if chosen and str(chosen).isdigit() and len(str(chosen)) < 19 and int(chosen) not in {row.pk for row in rows}:
            row = self._generation(int(chosen))
            rows = [row, *rows] if row is not None else rows
        return [("", "–"), *((str(row.pk), name_of(row)) for row in rows)]


def initial_from(
    request: dict[str, Any], *, task_rows: Mapping[str, int], own_pictures: Collection[int] = ()
) -> dict[str, Any]:
    """Turn the body of a create, or the provider's echo of one, back into what the form shows.

    `task_rows` says which generation here has which task id, `own_pictures` which pictures may be taken again.
    What the form has no field for goes to the other parameters.
    """
    left = {name: value for name, value in request.items() if name not in ("generation_type", "callback_url")}
    initial: dict[str, Any] = {}
    allowed = {
        "model": MODELS,
        "aspect_ratio": ASPECT_RATIOS,
        "duration": DURATIONS,
        "resolution": RESOLUTIONS,
    }
    for name, values in allowed.items():
        if name in left and left[name] in (None, "", *values):
            initial[name] = left.pop(name) or ""
        elif name in left:
            initial[name] = ""  # a word the form does not know stays among the others
    prompt = left.pop("prompt", None)
    initial["prompt"] = prompt[:LONGEST_PROMPT] if isinstance(prompt, str) else ""
    initial["loop"] = left.pop("loop", None) is True
    concepts = left.pop("concepts", None)
    keys = [item.get("key") for item in concepts if isinstance(item, dict)] if isinstance(concepts, list) else []
    initial["concepts"] = ", ".join(key for key in keys if isinstance(key, str))
    keyframes = left.pop("keyframes", None)
    for side, name, kind in (("start", "frame0", "last"), ("end", "frame1", "first")):
        frame = keyframes.get(name) if isinstance(keyframes, dict) else None
        if not isinstance(frame, dict):
            continue
        if frame.get("type") == "generation" and str(frame.get("id")) in task_rows:
            initial |= {f"{side}_kind": kind, f"{side}_generation": task_rows[str(frame["id"])]}
        elif (picture := pictures.pk_in(str(frame.get("url")))) in own_pictures:
            initial |= {f"{side}_kind": UPLOAD, f"{side}_upload": picture}
        elif isinstance(frame.get("url"), str):
            initial |= {f"{side}_kind": "url", f"{side}_url": frame["url"][:LONGEST_ADDRESS]}
    return initial | {"left": {name: value for name, value in left.items() if value not in (None, "", [], {})}}


def task_ids_in(request: dict[str, Any]) -> list[str]:
    """The task ids that the keyframes of a request name."""
    return [str(frame["id"]) for frame in _frames_in(request) if frame.get("id")]


def pictures_in(request: dict[str, Any]) -> list[int]:
    """The pictures of ours that the keyframes of a request lead to."""
    found = [pictures.pk_in(str(frame.get("url"))) for frame in _frames_in(request)]
    return [pk for pk in found if pk is not None]


def _frames_in(request: dict[str, Any]) -> list[dict[str, Any]]:
    keyframes = request.get("keyframes")
    frames = keyframes.values() if isinstance(keyframes, dict) else ()
    return [frame for frame in frames if isinstance(frame, dict)]
