"""Sessions in the database that know whose they are and where they come from, so that people can see and end theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone

SEEN_EVERY: Final = timedelta(minutes=5)
"""How exactly "last seen" is kept: a page that looks for news every second and a half must not write each time."""

NOBODYS_LIFETIME: Final = timedelta(hours=1)
"""Of a session in which nobody is signed in: anybody may have any number of them begun."""

LONGEST_AGENT: Final = 300
LONGEST_ADDRESS: Final = 45


class SessionStore(DatabaseSessionStore):
    """Django's own, with columns beside the data; keys are letters and digits.

    Django never makes others, but a cookie may hold a NUL, over which PostgreSQL raises.
    """

    agent = ""
    address = ""
    _row: Any = None

    @classmethod
    def get_model_class(cls) -> Any:
        from lumaboard.accounts.models import Session  # models need the store, and the store needs them

        return Session

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(super()._validate_session_key(key)) and key is not None and key.isascii() and key.isalnum()  # type: ignore[misc]

    def _get_session_from_db(self) -> Any:
        self._row = super()._get_session_from_db()  # type: ignore[misc]
        return self._row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Make the row that is saved: whose session it is stands in the data, since when in the row it was read from."""
        now, user_id = timezone.now(), data.get(SESSION_KEY)
        row: Any = super().create_model_instance(data)
        before = self._row if self._row is not None and self._row.session_key == row.session_key else None
        row.user_id = int(user_id) if user_id is not None else None
        row.agent = self.agent or (before.agent if before else "")
        row.address = self.address or (before.address if before else "")
        row.created_at, row.seen_at = before.created_at if before else now, now
        if user_id is None:
            row.expire_date = min(row.expire_date, now + NOBODYS_LIFETIME)
        self._row = row
        return row

    def note_use(self) -> None:
        """Write down that the session was used, at most every five minutes; costs nothing in between."""
        row, now = self._row, timezone.now()
        if row is None or row.user_id is None or self.session_key != row.session_key or now - row.seen_at < SEEN_EVERY:
            return
        own = self.get_model_class().objects.filter(session_key=row.session_key)
        own.update(seen_at=now, agent=self.agent, address=self.address)
