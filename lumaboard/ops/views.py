"""Answers for load balancers and monitoring."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from lumaboard.ops import health, metrics


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; asks nobody else, so it holds while the database is away."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether everything works that the pages need: 200, or 503 with the words that help."""
    findings = health.findings(now=timezone.now())
    is_ready = all(finding.is_well for finding in findings)
    checks = {finding.name: {"ok": finding.is_well, "words": finding.words} for finding in findings}
    return JsonResponse({"ready": is_ready, "checks": checks}, status=200 if is_ready else 503)


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Give the figures to whoever knows the token; without a token set, there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(
            "Wrong token.\n", status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain"
        )
    text = metrics.as_text(metrics.gauges(now=timezone.now()))
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE)
