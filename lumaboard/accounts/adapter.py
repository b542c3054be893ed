"""How allauth's account pages behave here."""

from __future__ import annotations

import logging
import math
import time
from functools import partial
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lumaboard.accounts import api_tokens, proof, sign_ins
from lumaboard.accounts.models import User
from lumaboard.accounts.notices import mail_notice
from lumaboard.accounts.operations import landing_workspace
from lumaboard.audit.operations import record

logger = logging.getLogger(__name__)

_APP = "allauth.account"
_SIGN_IN = "login_failed"
_RESET = "account_reset_password_from_key"


_TOLD = {
    "mfa/email/totp_activated": _("An authenticator app was added to your account."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed from your account."),
    "mfa/email/webauthn_added": _("A passkey was added to your account."),
    "mfa/email/webauthn_removed": _("A passkey was removed from your account."),
    "mfa/email/recovery_codes_generated": _(
        "New recovery codes were made for your account. The old ones work no more."
    ),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Nobody signs up by themselves: the first owner comes by the set-up link, the others are invited."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("This e-mail address and password do not belong together."),
        "incorrect_password": _("This is not your present password."),
        "invalid_password_reset": _("This link does not work any more."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Take what is no address, such as `//[`, for an unsafe one: allauth's check breaks down over it."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse before any password is looked at when there were too many failures, and say how long that lasts.

        allauth counts, per client address and per account, but says only "later".
        """
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            minutes = self._minutes_to_wait(request, self._get_login_attempts_cache_key(request, **credentials))
            raise ValidationError(
                ngettext(
                    "Too many failed tries. Wait %(minutes)d minute, then try again.",
                    "Too many failed tries. Wait %(minutes)d minutes, then try again.",
                    minutes,
                )
                % {"minutes": minutes},
                code=error.code,
            ) from error

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count by account alone; allauth adds the host name, so that each further name would give ten tries more."""
        return f"sign-in:{credentials.get('email', '').strip().lower()}"

    def _minutes_to_wait(self, request: HttpRequest, key: str) -> int:
        """Minutes, rounded up, until the oldest of the failures that fill a limit is forgotten."""
        now = time.time()
        ends = [now]
        for rate in ratelimit.get_rates(app=_APP, action=_SIGN_IN):
            history = cache.get(ratelimit.get_cache_key(request, app=_APP, action=_SIGN_IN, rate=rate, key=key), [])
            if len(history) >= rate.amount:
                ends.append(min(history) + rate.duration)
        return max(1, math.ceil((max(ends) - now) / 60))

    def login(self, request: HttpRequest, user: User) -> None:
        with transaction.atomic():
            super().login(request, user)
            if user.last_workspace_id is None and (workspace := landing_workspace(user)) is not None:
                User.objects.filter(pk=user.pk).update(last_workspace=workspace)
            record("signed_in", workspace_id=None, actor_id=user.pk, target=user)

    def set_password(self, user: User, password: str) -> None:
        """Give a new password. Whoever takes a link by mail for it may have lost the old one to somebody: tokens end too."""
        match = getattr(context.request, "resolver_match", None)
        is_reset = match is not None and match.url_name == _RESET
        user.set_password(password)  # slow on purpose, so before the transaction
        with transaction.atomic():
            user.save(update_fields=["password"])
            sign_ins.forget_all_but(user, keep=getattr(getattr(context.request, "session", None), "session_key", None))
            if is_reset:
                proof.prove_address(user, keeps_password=True, now=timezone.now())
                api_tokens.revoke_all(user, actor_id=user.pk, now=timezone.now())
            record("password.changed", workspace_id=None, actor_id=user.pk, target=user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, or note in the log that it failed: the page says the same either way, and must not break down over it.

        `UnicodeError` is for addresses that forms take and mail cannot write.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, UnicodeError) as error:
            logger.warning("a mail could not be sent: %s", type(error).__name__)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Say in our words how somebody may prove who they are."""
        words = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate": _("Use a code"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        return [way | {"description": words[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell a person by mail that a second factor came or went, once that is certain; what else happens is not mailed."""
        sentence = _TOLD.get(template_prefix)
        if sentence is not None:
            transaction.on_commit(partial(mail_notice, user.email, str(sentence)))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Build the link from our own public address, never from the Host header of whoever asked for the mail."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.PUBLIC_URL + path.replace("UID-KEY", key)
