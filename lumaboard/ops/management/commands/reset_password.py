"""Let a person back in, on an installation without mail."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lumaboard.accounts import oidc, second_factors
from lumaboard.accounts.models import User
from lumaboard.accounts.operations import PersonUnknown, set_password
from lumaboard.ops.environment import secret_from
from lumaboard.ops.links import new_password_url


class Command(BaseCommand):
    help = "Print a one-time link with which this person chooses a new password, or set it from a variable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="the person's address")
        parser.add_argument(
            "--password-env",
            metavar="VAR",
            help="set the password found in this environment variable, and print no link",
        )

        parser.add_argument(
            "--remove-two-factor",
            action="store_true",
            help="also remove the authenticator app, passkeys and recovery codes, for who has lost them",
        )
        parser.add_argument(
            "--disconnect-single-sign-on",
            action="store_true",
            help="also let the next one in whom the issuer vouches for by this address, when it has made the person anew",
        )

    def handle(
        self,
        *,
        email: str,
        password_env: str | None,
        remove_two_factor: bool,
        disconnect_single_sign_on: bool,
        **options: Any,
    ) -> None:
        try:
            if remove_two_factor:
                removed = second_factors.remove_all(User.objects.get(email=email.strip().lower()))
                self.stderr.write(f"{email} signs in without a second step now; {removed} second factors are removed.")
            if disconnect_single_sign_on:
                oidc.disconnect(User.objects.get(email=email.strip().lower()))
                self.stderr.write(f"Whoever the issuer vouches for next as {email} signs in to this account.")
            if password_env:
                set_password(email, secret_from(password_env), timezone.now())
                self.stdout.write(f"{email} has a new password, is signed out everywhere, and has no API tokens.")
            else:
                user = User.objects.get(email=email.strip().lower())
                self.stdout.write(new_password_url(user))
        except (PersonUnknown, User.DoesNotExist) as error:
            raise CommandError(f"Nobody here has the address {email}.") from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
