"""A link's password: tried, counted, and refused unchecked once it was tried too often."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils.crypto import salted_hmac

from lumaboard.sharing.models import ShareLink, UnlockTry

WINDOW: Final = timedelta(hours=1)
MOST_BY_ADDRESS: Final = 10
MOST_AT_LINK: Final = 100


class WrongPassword(Exception):
    """This is not the password."""

    def __init__(self, tries_left: int) -> None:
        self.tries_left = tries_left
        super().__init__(f"{tries_left} tries left this hour")


class TooManyTries(Exception):
    """The password was not even looked at."""

    def __init__(self, wait: timedelta) -> None:
        self.minutes = max(1, math.ceil(wait / timedelta(minutes=1)))
        super().__init__(f"again in {self.minutes} minutes")


@dataclass(frozen=True, slots=True)
class _Tries:
    """When this link was tried within the last hour, oldest first; and when from this address."""

    at_link: list[datetime]
    by_address: list[datetime]

    def blocked_until(self) -> datetime | None:
        ends = [
            times[-most] + WINDOW
            for times, most in ((self.by_address, MOST_BY_ADDRESS), (self.at_link, MOST_AT_LINK))
            if len(times) >= most
        ]
        return max(ends, default=None)

    def left(self) -> int:
        return max(0, min(MOST_BY_ADDRESS - len(self.by_address), MOST_AT_LINK - len(self.at_link)))


def unlock(link: ShareLink, password: str, *, address: str, now: datetime) -> None:
    """Check a password. Raises `WrongPassword`, and `TooManyTries` without looking at it.

    The try is written down before the password is checked, under the link's lock, so that of a thousand tries at once no more
    are checked than one after the other would be. The check itself, which is slow on purpose, holds no lock.
    """
    attempt, left = _begin(link, _hash(address), now)
    if not check_password(password, link.password):
        raise WrongPassword(left)
    attempt.delete()


def forget_tries(*, now: datetime) -> None:
    """Remove the tries that count no more."""
    UnlockTry.objects.filter(at__lte=now - WINDOW).delete()


def _begin(link: ShareLink, address_hash: str, now: datetime) -> tuple[UnlockTry, int]:
    with transaction.atomic():
        ShareLink.objects.select_for_update(no_key=True).get(pk=link.pk)
        UnlockTry.objects.filter(link=link, at__lte=now - WINDOW).delete()
        tries = list(UnlockTry.objects.filter(link=link).order_by("at").values_list("address_hash", "at"))
        known = _Tries([at for _, at in tries], [at for hashed, at in tries if hashed == address_hash])
        until = known.blocked_until()
        if until is not None:
            raise TooManyTries(until - now)
        return UnlockTry.objects.create(link=link, address_hash=address_hash, at=now), known.left() - 1


def _hash(address: str) -> str:
    """Tell addresses apart without keeping them. Of IPv6, what one household or host is given counts as one: a /64."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        told = address
    else:
        told = str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
    return salted_hmac("lumaboard.sharing.visiting.unlocking", told, algorithm="sha256").hexdigest()
