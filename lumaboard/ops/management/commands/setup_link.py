"""Make a way in for the first owner."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lumaboard.accounts.operations import AlreadySetUp
from lumaboard.ops.links import setup_url


class Command(BaseCommand):
    help = "Print a one-time link with which the first owner makes an account and a workspace."

    def handle(self, **options: Any) -> None:
        try:
            self.stdout.write(setup_url())
        except AlreadySetUp as error:
            raise CommandError(str(error)) from error
