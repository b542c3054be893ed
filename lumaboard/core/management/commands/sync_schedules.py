"""Install the schedules that settings declare."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django_q.models import Schedule


class Command(BaseCommand):
    help = "Create, update and remove schedules, so that the table says what settings.SCHEDULES says."

    def handle(self, **options: Any) -> None:
        for name, (path, minutes) in settings.SCHEDULES.items():
            Schedule.objects.update_or_create(
                name=name, defaults={"func": path, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1}
            )
        Schedule.objects.exclude(name__in=settings.SCHEDULES).delete()
