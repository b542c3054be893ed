"""The second proof of who somebody is: how allauth's part for it behaves here, and what is told of every change."""

from __future__ import annotations

import base64
import logging
import struct
from typing import Any, Final

from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base import forms as code_forms
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.forms import HiddenInput, JSONField
from django.utils.translation import gettext as _

from lumaboard.accounts.models import User
from lumaboard.audit.operations import record
from lumaboard.core.sealing import SealBroken, seal, unseal

logger = logging.getLogger(__name__)

_BOUND: Final = "second factor"
_LAST_COUNTER: Final = "last_counter"
_MALFORMED: Final = (
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What allauth and its WebAuthn library raise over a credential that no browser made."""

_LONGEST_CREDENTIAL: Final = 16 * 1024
"""Characters; those with a whole chain of certificates have some thousands."""


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """Secrets of apps and recovery codes are sealed like the upstream keys."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(seal(text, bound=_BOUND)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open a secret. With a lost encryption key there is none, so that no code is right; the operator can help."""
        try:
            return unseal(base64.b64decode(encrypted_text), bound=_BOUND)
        except SealBroken:
            logger.exception("A second factor cannot be read: is LUMABOARD_ENCRYPTION_KEYS another one than before?")
            raise ValidationError(
                _("Codes cannot be checked at the moment. Ask whoever runs this installation.")
            ) from None

    def generate_authenticator_name(self, user: User, type: str) -> str:
        return _("Passkey")


class _Once:
    """Takes a code of an app once, and none that is older than the last: allauth forgets a code while it still holds."""

    user: User
    authenticator: Authenticator
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        app = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).first()
        if app is not None and _is_spent(app, code):
            check_rate_limit(self.user)  # before allauth sees it, for which it is right and ends the counting
            raise _wrong_code()
        parent: Any = super()
        parent.clean_code()
        if self.authenticator.type == Authenticator.Type.TOTP and not _spend(self.authenticator.pk, code):
            raise _wrong_code()
        return code


class CodeForm(_Once, code_forms.AuthenticateForm):  # type: ignore[misc]
    """A code as the second step of signing in."""


class ReauthenticateCodeForm(_Once, code_forms.ReauthenticateForm):  # type: ignore[misc]
    """A code as proof before what changes the account."""


def _is_spent(app: Authenticator, code: str) -> bool:
    counters = _counters_of(app, code)
    return bool(counters) and counters[-1] <= _last_counter(app)


def _spend(pk: int, code: str) -> bool:
    """Note that the code was used, and say whether it was the first time; of two at once, one waits for the other."""
    with transaction.atomic():
        app = Authenticator.objects.select_for_update().filter(pk=pk).first()
        if app is None or not (counters := [one for one in _counters_of(app, code) if one > _last_counter(app)]):
            return False
        app.data[_LAST_COUNTER] = counters[0]
        app.save(update_fields=["data"])
    return True


def _counters_of(app: Authenticator, code: str) -> list[int]:
    """The half minutes, of those that hold now, of which this is the code."""
    secret = decrypt(app.data["secret"])
    return [
        counter
        for counter in totp.yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, counter)))
    ]


def _last_counter(app: Authenticator) -> int:
    return int(app.data.get(_LAST_COUNTER, -1))


def _wrong_code() -> ValidationError:
    error: ValidationError = get_adapter().validation_error("incorrect_code")
    return error


class _CredentialField(JSONField):
    """What a browser says of a passkey: Django's field breaks down over numbers of 5,000 digits and over deep nesting."""

    widget = HiddenInput

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONGEST_CREDENTIAL:
            raise _wrong()
        try:
            return super().to_python(value)
        except (RecursionError, ValueError):
            raise _wrong() from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Give nothing back into the page, where Django would read it once more: the next try has its own."""
        return initial


class _Careful:
    """Takes a credential that no browser made for a wrong one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields  # type: ignore[attr-defined]  # the form beside it has them
        fields["credential"] = _CredentialField()

    def clean_credential(self) -> Any:
        try:
            parent: Any = super()
            return parent.clean_credential()
        except _MALFORMED:
            raise _wrong() from None


class AuthenticateForm(_Careful, forms.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The passkey as the second step of signing in."""


class LoginForm(_Careful, forms.LoginWebAuthnForm):  # type: ignore[misc]
    """The passkey instead of address and password."""


class ReauthenticateForm(_Careful, forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """The passkey as proof before what changes the account."""


class AddForm(forms.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey: always one that can sign in by itself, and is unlocked by its owner."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["passwordless"]
        self.fields["credential"] = _CredentialField()
        self.fields["name"].label = _("Name")
        self.fields["name"].max_length = 60
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "maxlength": "60"}

    def clean_name(self) -> str:
        return str(super().clean_name())[:60]

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True
        try:
            cleaned: dict[str, Any] = super().clean()
        except _MALFORMED:
            raise _wrong() from None
        return cleaned


def _wrong() -> ValidationError:
    return ValidationError(_("That passkey could not be read. Try again."), code="incorrect_code")


def remove_all(user: User) -> int:
    """Remove every second factor of this person, for whom the password alone is enough then; says how many there were."""
    with transaction.atomic():
        _rows, by_table = Authenticator.objects.filter(user=user).delete()
    return int(by_table.get(Authenticator._meta.label, 0))


def note_changes() -> None:
    """Have every row that comes or goes recorded; allauth's own signals come after the commit, and not for all of them."""
    post_save.connect(_note_added, sender=Authenticator, dispatch_uid="second factor added")
    post_delete.connect(_note_removed, sender=Authenticator, dispatch_uid="second factor removed")


def _note_added(instance: Authenticator, *, created: bool, **_rest: Any) -> None:
    if created:
        _note("second_factor.added", instance)


def _note_removed(instance: Authenticator, **_rest: Any) -> None:
    _note("second_factor.removed", instance)


def _note(verb: str, authenticator: Authenticator) -> None:
    """Without a request it is the operator who does it."""
    actor = getattr(context.request, "user", None)
    record(
        verb,
        workspace_id=None,
        actor_id=actor.pk if isinstance(actor, User) else None,
        target=authenticator.user,
        type=authenticator.type,
    )
