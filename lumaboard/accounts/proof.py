"""Whose an address is: known once somebody has shown that it is theirs, and not before.

An account is made by whoever opens an invitation's link, which is also shown to who sent it. So what was set before the
first proof may be somebody else's, and ends with it.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from lumaboard.accounts import api_tokens, second_factors, sign_ins
from lumaboard.accounts.models import User
from lumaboard.accounts.notices import mail_notice
from lumaboard.audit.operations import record


def prove_address(user: User, *, keeps_password: bool, now: datetime) -> None:
    """Note the first proof that the address is the person's; twice is once.

    What lets anybody in by then ends: second factors, tokens, sign-ins, and the password unless it is the one that the
    proof was for.
    """
    with transaction.atomic():
        if not User.objects.filter(pk=user.pk, address_proven_at=None).update(address_proven_at=now):
            return
        user.address_proven_at = now
        ended = second_factors.remove_all(user) + api_tokens.revoke_all(user, actor_id=user.pk, now=now)
        if not keeps_password:
            ended += user.has_usable_password()
            user.set_unusable_password()
            user.save(update_fields=["password"])
            sign_ins.forget_all_but(user, keep=None)
        record("person.address_proven", workspace_id=None, actor_id=user.pk, target=user, ended=ended)
        if ended:
            sentence = _("Your account is yours alone now: what let anybody in before has ended.")
            transaction.on_commit(partial(mail_notice, user.email, sentence))
