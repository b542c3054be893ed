"""Parameters of addresses."""

from __future__ import annotations

from django.urls.converters import IntConverter, StringConverter


class RowConverter(IntConverter):
    """The id of a row, `<row:pk>`: Django's `int` without the numbers that no database holds (SQLite's driver raises)."""

    regex = "[0-9]{1,18}"


class AddressConverter(StringConverter):
    """The secret or chosen last part of a link, `<address:address>`: what base64 for addresses is made of."""

    regex = "[A-Za-z0-9_-]{1,64}"
