"""Answers that belong to no feature."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the form is too old, and how to go on; `reason` is Django's own and stays in the log."""
    return render(request, "core/form_expired.html", status=403)
