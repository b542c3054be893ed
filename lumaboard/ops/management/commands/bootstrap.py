"""Set an installation up without asking anything: for scripts and configuration management."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lumaboard.connections.forms import DEMO_KEY
from lumaboard.connections.models import Kind
from lumaboard.ops.bootstrap import WantedConnection, bootstrap
from lumaboard.ops.environment import secret_from


class Command(BaseCommand):
    help = "Create the owner, workspace and connection that are missing; what exists is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="the owner's address")
        parser.add_argument("--name", help="the owner's name (default: the part of the address before the @)")
        parser.add_argument("--password-env", required=True, metavar="VAR", help="variable that holds the password")
        parser.add_argument("--workspace", required=True, metavar="NAME")
        parser.add_argument("--connection-kind", choices=Kind.values)
        parser.add_argument("--base-url", help="the provider's address (default: the usual one of the kind)")
        parser.add_argument("--key-env", metavar="VAR", help="variable that holds the provider's key")

        parser.add_argument(
            "--print-api-token",
            action="store_true",
            help="make an API token of the owner's (read, track, submit, share), and print nothing but it",
        )

    def handle(self, **options: Any) -> None:
        kind = options["connection_kind"]
        if kind not in (None, Kind.SIMULATOR) and not options["key_env"]:
            raise CommandError(f"--connection-kind {kind} needs --key-env.")
        if kind is None and (options["base_url"] or options["key_env"]):
            raise CommandError("--base-url and --key-env belong to --connection-kind.")
        key = secret_from(options["key_env"]) if options["key_env"] else DEMO_KEY
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("sync_schedules")
        try:
            done = bootstrap(
                email=options["email"],
                name=options["name"] or options["email"].partition("@")[0],
                password=secret_from(options["password_env"]),
                workspace_name=options["workspace"],
                connection=WantedConnection(kind, options["base_url"] or "", key) if kind else None,
                wants_token=options["print_api_token"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        told = (
            self.stderr if done.token else self.stdout
        )  # so that `TOKEN=$(… --print-api-token)` holds the token alone
        for sentence in done.sentences or ["Everything is there already; nothing was changed."]:
            told.write(sentence)
        if done.token:
            self.stdout.write(done.token)
