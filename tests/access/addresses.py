"""The addresses of the site as the URL resolver knows them, so that a new one is walked from its first day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.urls import URLResolver, get_resolver

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LIKELY = {"workspace": "northlight", "pk": 1, "role": "raw", "token": "t" * 43, "uidb36": "1", "key": "set-password"}


@dataclass(frozen=True, slots=True)
class Address:
    """One route: its full name, and the shape of its path."""

    name: str
    template: str
    parameters: tuple[str, ...]

    @property
    def is_in_workspace(self) -> bool:
        return "workspace" in self.parameters

    def path(self, **values: object) -> str:
        """Write a path with these values, escaped but unchecked; what is not given gets something likely."""
        chosen = {
            name: quote(str(values[name] if name in values else _LIKELY.get(name, 1)), safe="")
            for name in self.parameters
        }
        return "/" + self.template % chosen


def _addresses(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[Address]:
    for name in resolver.reverse_dict:
        if isinstance(name, str):
            for possibilities, *_rest in resolver.reverse_dict.getlist(name):
                for template, parameters in possibilities:
                    yield Address(f"{space}{name}", prefix + template, tuple(parameters))
    for namespace, (where, below) in resolver.namespace_dict.items():
        plain = where.replace("\\-", "-")  # Django keeps it as a pattern
        yield from _addresses(below, prefix + plain, f"{space}{namespace}:")


ADDRESSES = sorted(_addresses(get_resolver()), key=lambda address: address.name)
