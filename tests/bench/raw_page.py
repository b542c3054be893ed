"""The least a page of cards can cost: the same sign-in and the same two queries, and one formatted string per card."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path
from django.utils.html import escape

from lumaboard.accounts.access import MemberRequest, member_required_with
from lumaboard.gallery.context import last_beat, shell_of
from lumaboard.gallery.views import PAGE_SIZE, troubled_connections
from lumaboard.generations.paging import keyset_page
from lumaboard.generations.search import Filters, rows_for_gallery

_CARD = (
    '<article id="generation-%d" class="card card--%s"><img src="/media/%s/%d/card/" alt="" loading="lazy">'
    '<h3 class="card__title"><a href="/w/%s/g/%d/">%s</a></h3><span class="chip">%s</span><time>%s</time></article>'
)


@member_required_with(beaten_at=last_beat())
def raw_page(request: MemberRequest) -> HttpResponse:
    member, slug = request.member, request.member.workspace.slug
    rows = rows_for_gallery(member.workspace.pk, Filters.from_query(request.GET), seen_by=member.user.pk)
    page = keyset_page(rows, after="", before="", size=PAGE_SIZE)
    shell = shell_of(request, member)
    trouble = troubled_connections(member)
    cards = "".join(
        _CARD
        % (row.pk, row.state, slug, row.pk, slug, row.pk, escape(row.prompt), row.get_state_display(), row.created_at)
        for row in page.rows
    )
    return HttpResponse(f"<!doctype html><title>Gallery</title><main>{cards}</main>{shell.total} {len(trouble)}")


urlpatterns = [path("raw/<slug:workspace>/", raw_page), path("", include("lumaboard.urls"))]
