"""Cursors: a place between rows that are read newest first, so that pages stay fast at any depth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.db.models import Q

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Microseconds of a row's time, and its id. Written in addresses as `1763812345123456-42`."""

    at: datetime
    pk: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a cursor from an address; None where it cannot be one."""
        at, _, pk = text.partition("-")
        if not (at.isascii() and at.isdigit() and pk.isascii() and pk.isdigit() and len(at) < 18 and len(pk) < 19):
            return None
        return cls(_EPOCH + timedelta(microseconds=int(at)), int(pk))

    def older(self, *, at: str) -> Q:
        """Match what stands further down, of rows that are read by this column."""
        # The first condition says nothing new, but lets both databases start inside the index.
        return Q((f"{at}__lte", self.at)) & (Q((f"{at}__lt", self.at)) | Q(id__lt=self.pk))

    def newer(self, *, at: str) -> Q:
        """Match what stands further up."""
        return Q((f"{at}__gte", self.at)) & (Q((f"{at}__gt", self.at)) | Q(id__gt=self.pk))

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.pk}"
