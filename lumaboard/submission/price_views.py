"""Settings, prices: what the workspace pays, from which the form makes its estimates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from lumaboard.accounts.access import Member, MemberRequest, member_required
from lumaboard.connections.models import Kind
from lumaboard.core.http import require_form_methods
from lumaboard.submission import pricing
from lumaboard.submission.models import LONGEST_CURRENCY, Per, Price
from lumaboard.submission.pricing import Money, PriceTaken, Terms
from lumaboard.submission.wishes import MODELS, RESOLUTIONS


class PriceForm(forms.Form):
    """One price. What is left open is for every provider, model or resolution."""

    kind = forms.ChoiceField(label=_("Provider"), choices=[("", _("Every provider")), *Kind.choices], required=False)
    model = forms.CharField(
        label=_("Model"),
        max_length=80,
        required=False,
        help_text=_("Left empty: every model."),
        widget=forms.TextInput(attrs={"list": "models", "autocomplete": "off", "spellcheck": "false"}),
    )
    resolution = forms.ChoiceField(
        label=_("Resolution"),
        choices=[("", _("Every resolution")), *((one, one) for one in RESOLUTIONS)],
        required=False,
    )
    amount = forms.DecimalField(
        label=_("Price"),
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=4,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label=_("Currency"), max_length=LONGEST_CURRENCY, help_text=_("Such as USD, or credits."), strip=True
    )
    per = forms.ChoiceField(label=_("Counted"), choices=Per.choices, widget=forms.RadioSelect, initial=Per.SECOND)

    def terms(self) -> Terms:
        """What a form that is valid says."""
        return Terms(**self.cleaned_data)


@member_required
@require_form_methods
def prices(request: MemberRequest) -> HttpResponse:
    """All of them, and a form for one more."""
    member = request.member
    member.require("manage_workspace")
    listed = pricing.prices_of(member.workspace.pk)
    form = PriceForm(
        request.POST or None, initial={"currency": listed[-1].currency if listed else "", "per": Per.SECOND}
    )
    if request.method == "POST" and form.is_valid():
        try:
            pricing.add_price(member, form.terms())
        except PriceTaken:
            _say_taken(form)
        else:
            messages.success(request, _now("The price is set."))
            return _back(member)
    context = {"form": form, "rows": [_row(price) for price in listed], "models": MODELS}
    return render(request, "submission/prices.html", context, status=422 if form.is_bound else 200)


@member_required
@require_form_methods
def change_price(request: MemberRequest, pk: int) -> HttpResponse:
    member = request.member
    price = _price(member, pk)
    form = PriceForm(request.POST or None, initial=_initial(price))
    if request.method == "POST" and form.is_valid():
        try:
            pricing.change_price(member, price, form.terms())
        except PriceTaken:
            _say_taken(form)
        else:
            messages.success(request, _now("The price is changed."))
            return _back(member)
    context = {"form": form, "price": price, "models": MODELS}
    return render(request, "submission/price.html", context, status=422 if form.is_bound else 200)


@member_required
@require_POST
def remove_price(request: MemberRequest, pk: int) -> HttpResponse:
    pricing.remove_price(request.member, _price(request.member, pk))
    messages.success(request, _now("The price is removed."))
    return _back(request.member)


def _price(member: Member, pk: int) -> Price:
    member.require("manage_workspace")
    return get_object_or_404(Price.objects.filter(workspace=member.workspace), pk=pk)


def _initial(price: Price) -> dict[str, Any]:
    plain = {name: getattr(price, name) for name in Terms.__dataclass_fields__}
    return plain | {"amount": f"{price.amount.normalize():f}"}


def _row(price: Price) -> dict[str, Any]:
    return {"price": price, "money": Money(amount=price.amount, currency=price.currency)}


def _say_taken(form: PriceForm) -> None:
    form.add_error(None, _now("There is a price for this already. Change that one."))


def _back(member: Member) -> HttpResponse:
    return redirect("submission:prices", member.workspace.slug)
