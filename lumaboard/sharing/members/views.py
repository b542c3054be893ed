"""Members' pages about share links. Each is a page of its own, and where htmx asks, the inside of a dialog."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import replace_url, trigger_client_event

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.core import qr
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import page_before, require_form_methods, whole_number
from lumaboard.core.undo import Undo, offer_undo
from lumaboard.sharing import operations
from lumaboard.sharing.addresses import url_of
from lumaboard.sharing.members import panels, table
from lumaboard.sharing.members.forms import LinkForm, say_breach
from lumaboard.sharing.members.table import Tab
from lumaboard.sharing.models import ShareLink
from lumaboard.sharing.operations import MOST_ITEMS, NothingToShare, SlugNeedsPassword, SlugTaken
from lumaboard.sharing.policies import PolicyBroken, demands_of, policy_of
from lumaboard.sharing.words import ends_of

REFUSED = (PolicyBroken, SlugTaken, SlugNeedsPassword)
"""What stands against the terms of a form; it is said beside its field."""


@member_required
@require_safe
def links(request: MemberRequest) -> HttpResponse:
    """Every link of the workspace, newest first; htmx gets the next page, and the address that opens all that is loaded."""
    member, now = request.member, timezone.now()
    member.require("share")
    tab, maker = Tab.of(request.GET.get("tab", "")), table.maker_named(member, request.GET.get("by", ""))
    loaded = whole_number(request.GET.get("loaded", ""))  # pages that stand there once this one is added to them
    pages = min(max(loaded or whole_number(request.GET.get("pages", "")) or 1, 1), table.MOST_PAGES)
    after, start = request.GET.get("after", ""), request.GET.get("start" if loaded else "after", "")
    size = table.PAGE_SIZE * (1 if loaded else pages)
    page = table.page_of(member, tab, maker=maker, after=after, size=size, now=now)
    address = partial(table.address, member, tab)
    context = {
        "page": page,
        "tabs": table.tab_links(member, tab, maker=maker, now=now),
        "maker": maker,
        "is_ended": tab is Tab.ENDED,
        "everyones_url": address(maker=None),
        "mine_url": address(maker=member.user),
        "maker_url": address(maker=maker),
        "older_url": address(maker=maker, after=page.older) if page.older else "",
        "more_url": address(maker=maker, after=page.older, start=start, loaded=pages + 1),
        "loads_more": pages < table.MOST_PAGES,
    }
    response = render(request, "sharing/links.html", context)
    if loaded:  # so that reading the page anew, and Back, find every row that stands there now
        replace_url(response, address(maker=maker, after=start, pages=pages))
    return response


@sensitive_post_parameters("password")
@member_required
@require_form_methods
def new(request: MemberRequest) -> HttpResponse:
    """Share what the address names; links that are there already are offered first."""
    member, now = request.member, timezone.now()
    member.require("share")
    is_sent = request.method == "POST"
    chosen = panels.chosen_by(member, (request.POST if is_sent else request.GET).getlist("g"))
    if not chosen.things and not chosen.has_private and not chosen.hopeless_count:
        raise Http404
    demands = demands_of(policy_of(member.workspace))
    form = LinkForm(request.POST if is_sent else None, demands=demands, now=now, name=chosen.name)
    if is_sent and form.is_valid() and chosen.can_be_shared:
        try:
            link = operations.make_link(member, chosen.pks, form.terms(), now=now)
        except REFUSED as error:
            form.blame(error)
        except NothingToShare:  # trashed or made private since the form was read
            form.add_error(None, _("This cannot be shared any more."))
        else:
            return _made(request, link, now=now)
    context = {
        "form": form,
        "chosen": chosen,
        "too_many": _say_too_many() if chosen.is_too_many else "",
        "existing": panels.existing_links(member, chosen.pks[0], now=now) if len(chosen.pks) == 1 else [],
        "add_to": panels.links_to_add_to(member, now=now),
    }
    return _render(request, "new", context, status=422 if form.errors or not chosen.can_be_shared else 200)


@sensitive_post_parameters("password")
@member_required
@require_form_methods
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    """One link: its address first, the card that chats will show, and its terms to change."""
    member, now = request.member, timezone.now()
    link = _changeable(request, pk)
    demands = demands_of(policy_of(member.workspace))
    is_sent = request.method == "POST"
    form = LinkForm(request.POST if is_sent else None, demands=demands, now=now, link=link)
    if is_sent and form.is_valid():
        try:
            operations.change_link(member, link, form.terms(), now=now)
        except REFUSED as error:
            form.blame(error)
        else:
            return _again(request, pk, _("Saved."))
    return _link(request, link, form, now=now, is_made=request.GET.get("made") == "1")


@member_required
@require_POST
def add(request: MemberRequest) -> HttpResponse:
    """Show more generations behind a link that is there already."""
    link = _changeable(request, whole_number(request.POST.get("link", "")) or 0)
    chosen = panels.chosen_by(request.member, request.POST.getlist("g"))
    try:
        if chosen.is_too_many:
            raise NothingToShare
        count = operations.add_items(request.member, link, chosen.pks, now=timezone.now())
    except NothingToShare:
        said = _("Nothing was added: it is there already, or a link would show more than 200.")
        return _again(request, link.pk, said, level=messages.ERROR)
    said = ngettext("%(count)d generation added.", "%(count)d generations added.", count)
    return _again(request, link.pk, said % {"count": count})


@member_required
@require_POST
def take_out(request: MemberRequest, pk: int) -> HttpResponse:
    link = _changeable(request, pk)
    operations.take_out(request.member, link, whole_number(request.POST.get("number", "")) or 0)
    return _again(request, pk, _("Guests do not see it any more."))


@member_required
@require_POST
def extend(request: MemberRequest, pk: int) -> HttpResponse:
    """Thirty days more, in one click."""
    link = _changeable(request, pk)
    try:
        operations.extend(request.member, link, now=timezone.now())
    except PolicyBroken as error:
        return _again(request, pk, _say_broken(request, error), level=messages.ERROR)
    link.refresh_from_db()
    return _again(request, pk, _("It ends now: %(when)s.") % {"when": ends_of(link, now=timezone.now())})


@member_required
@require_POST
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    """End one link at once; the answer offers to bring it back."""
    link = _changeable(request, pk)
    operations.revoke(request.member, [link], now=timezone.now())
    workspace = request.member.workspace.slug
    undo = Undo(text=_("The link is revoked."), url=reverse("sharing:bring_back", args=[workspace, pk]))
    if wants_fragment(request):
        return trigger_client_event(
            render(request, "core/_undo_toast.html", {"undo": undo}), "board:close", after="settle"
        )
    offer_undo(request, undo)
    return _to_table(request)


@member_required
@require_POST
def revoke_many(request: MemberRequest) -> HttpResponse:
    """End all of the ticked links, or none."""
    found = _ticked(request)
    count = operations.revoke(request.member, found, now=timezone.now())
    said = ngettext("%(count)d link is revoked.", "%(count)d links are revoked.", count) % {"count": count}
    url = reverse("sharing:bring_back_many", args=[request.member.workspace.slug])
    if not found:
        messages.info(request, _("Nothing was selected."))
    elif count:
        offer_undo(request, Undo(text=said, url=f"{url}?{'&'.join(f'link={link.pk}' for link in found)}"))
    return _to_table(request)


@member_required
@require_POST
def bring_back(request: MemberRequest, pk: int) -> HttpResponse:
    return _bring_back(request, [_changeable(request, pk)])


@member_required
@require_POST
def bring_back_many(request: MemberRequest) -> HttpResponse:
    """Undo `revoke_many`; the links stand in the address, so that a button can carry them."""
    return _bring_back(request, _ticked(request))


@member_required
@require_safe
def qr_code(request: MemberRequest, pk: int) -> HttpResponse:
    """The link's address as a picture to point a phone at; `?download=1` gives it as a file."""
    request.member.require("share")
    url = url_of(_of_workspace(request, pk))
    if url is None:
        raise Http404
    response = HttpResponse(qr.svg(url), content_type="image/svg+xml")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if request.GET.get("download") == "1":
        response.headers["Content-Disposition"] = 'attachment; filename="share-link.svg"'
    return response


def _of_workspace(request: MemberRequest, pk: int) -> ShareLink:
    here = ShareLink.objects.in_workspace(request.member.workspace.pk)
    return get_object_or_404(here.select_related("workspace__share_policy"), pk=pk)


def _changeable(request: MemberRequest, pk: int) -> ShareLink:
    """The link, if it is of this workspace and this member may change it; else 404 or 403."""
    request.member.require("share")
    link = _of_workspace(request, pk)
    operations.require_change(request.member, link)
    return link


def _ticked(request: MemberRequest) -> list[ShareLink]:
    """The links a form or an address names; those of other workspaces are not there."""
    request.member.require("share")
    named = request.POST.getlist("link") or request.GET.getlist("link")
    pks = [pk for text in named[:MOST_ITEMS] if (pk := whole_number(text)) is not None]
    return list(ShareLink.objects.in_workspace(request.member.workspace.pk).filter(pk__in=pks).order_by("id"))


def _bring_back(request: MemberRequest, found: list[ShareLink]) -> HttpResponse:
    try:
        count = operations.bring_back(request.member, found, now=timezone.now())
    except PolicyBroken as error:
        messages.error(request, _say_broken(request, error))
    else:
        said = ngettext("%(count)d link works again.", "%(count)d links work again.", count)
        messages.success(request, said % {"count": count})
    return redirect(page_before(request, reverse("sharing:links", args=[request.member.workspace.slug])))


def _made(request: MemberRequest, link: ShareLink, *, now: datetime) -> HttpResponse:
    if not wants_fragment(request):
        return redirect(f"{_edit_url(request, link.pk)}?made=1")
    form = LinkForm(demands=demands_of(policy_of(link.workspace)), now=now, link=link)
    return _link(request, link, form, now=now, is_made=True)


def _again(request: MemberRequest, pk: int, said: str, *, level: int = messages.SUCCESS) -> HttpResponse:
    """Show the link as it is now, and say what was done."""
    if not wants_fragment(request):
        messages.add_message(request, level, said)
        return redirect(_edit_url(request, pk))
    link, now = _of_workspace(request, pk), timezone.now()
    form = LinkForm(demands=demands_of(policy_of(link.workspace)), now=now, link=link)
    return _link(request, link, form, now=now, said=said, is_error=level == messages.ERROR)


def _link(
    request: MemberRequest,
    link: ShareLink,
    form: LinkForm,
    *,
    now: datetime,
    is_made: bool = False,
    said: str = "",
    is_error: bool = False,
) -> HttpResponse:
    context = {
        "link": link,
        "url": url_of(link),
        "form": form,
        "things": panels.things_of(request.member, link),
        "card": panels.chat_card_of(link, now=now),
        "is_made": is_made,
        "is_open": link.is_open(now),
        "ends": ends_of(link, now=now),
        "said": said,
        "is_error": is_error,
    }
    return _render(request, "edit", context, status=422 if form.errors else 200)


def _render(request: MemberRequest, name: str, context: Mapping[str, object], *, status: int) -> HttpResponse:
    is_fragment = wants_fragment(request)
    template = f"sharing/_{name}.html" if is_fragment else f"sharing/{name}.html"
    response = render(request, template, {**context, "is_fragment": is_fragment}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _to_table(request: MemberRequest) -> HttpResponse:
    """Back to the table as it was, or to its beginning."""
    table_url = reverse("sharing:links", args=[request.member.workspace.slug])
    before = page_before(request, table_url)
    return redirect(before if urlsplit(before).path == table_url else table_url)


def _edit_url(request: MemberRequest, pk: int) -> str:
    return reverse("sharing:edit", args=[request.member.workspace.slug, pk])


def _say_too_many() -> str:
    return _("A link shows %(count)d generations at most. Choose fewer.") % {"count": MOST_ITEMS}


def _say_broken(request: MemberRequest, error: PolicyBroken) -> str:
    demands = demands_of(policy_of(request.member.workspace))
    return " ".join(say_breach(name, demands) for name in error.breaches)
