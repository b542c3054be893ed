"""For pages below this package that speak of share links."""

from __future__ import annotations

from django import template
from django.utils import timezone

from lumaboard.accounts.models import User, Workspace
from lumaboard.sharing.models import ShareLink

register = template.Library()


@register.simple_tag
def open_link_count(person: User, workspace: Workspace) -> int:
    """How many open links of the workspace this person has made; one query."""
    return ShareLink.objects.in_workspace(workspace.pk).filter(created_by=person).open(timezone.now()).count()
