"""What a request says about its encoding, looked at before Django believes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.utils.http import parse_header_parameters

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

UTF_8: Final = ("utf-8", "utf8")
_HARMLESS: Final = "text/plain; charset=latin-1"


def with_known_charsets(application: Application) -> Application:
    """Give every encoding but UTF-8 one harmless name, under which `bounded_bodies` refuses it.

    Django decodes the query by whatever codec of Python's a request names, while it builds the request. Some of them are no
    text's (`hex`), and the request cannot be built; some take minutes.
    """

    def wrapper(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not _is_utf_8(environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = _HARMLESS
        return application(environ, start_response)

    return wrapper


def _is_utf_8(content_type: str) -> bool:
    try:
        _type, parameters = parse_header_parameters(content_type)
    except ValueError:
        return False
    return parameters.get("charset", "utf-8").lower() in UTF_8
