"""A person with a browser who does not give up: signs in, tracks, looks at the gallery, while the server is being killed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from html import unescape

import requests

from tests.ops.installation import Installation

_FIELD = re.compile(r'name="([^"]+)" value="([^"]*)"')
_CARD = re.compile(r'<article id="generation-(\d+)" class="card card--(\w+)')
_SECONDS = 10


class Person:
    """Alice at her browser. What she was told is what must never be taken back."""

    def __init__(self, installation: Installation) -> None:
        self._url = f"http://127.0.0.1:{installation.port}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._home = ""
        self.seen: dict[int, str] = {}
        """Every card that was ever on the screen, and the last word on it."""
        self.accepted: set[str] = set()
        """Every id whose tracking was confirmed."""

    def sign_in(self, *, email: str, password: str) -> None:
        page = self._url + "/accounts/login/"
        fields = self._fields(self._session.get(page, timeout=_SECONDS).text)
        entered = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"], "login": email, "password": password}
        landed = self._session.post(page, entered, timeout=_SECONDS)
        assert "/w/" in landed.url, landed.text
        self._home = landed.url

    def track(self, ids: Sequence[str], *, meanwhile: Callable[[], None], within: float = 120) -> None:
        """Track these, trying again until it is confirmed: whether a lost answer meant yes or no makes no difference."""
        give_up_at = time.monotonic() + within
        while not self._try_to_track(ids):
            assert time.monotonic() < give_up_at, f"tracking was not confirmed within {within} s"
            meanwhile()
            time.sleep(0.3)
        self.accepted.update(ids)

    def _try_to_track(self, ids: Sequence[str]) -> bool:
        try:
            page = self._session.get(f"{self._home}track/", timeout=_SECONDS)
            if page.status_code != 200:
                return False
            fields = self._fields(page.text)
            wanted = [f"{fields['connection']}:{task_id}" for task_id in ids]
            form = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"], "do_track": "1", "wanted": wanted}
            answer = self._session.post(f"{self._home}track/", form, timeout=_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return False
        return answer.status_code == 302

    def look(self) -> None:
        """Look at the first page of the gallery, if there is one just now."""
        try:
            page = self._session.get(self._home, timeout=_SECONDS)
        except requests.RequestException:
            return
        if page.status_code == 200:
            self.seen |= {int(pk): word for pk, word in _CARD.findall(page.text)}

    def press(self, act: str, pk: int) -> None:
        """Press a generation's "check-now" or "fetch-again"."""
        page = f"{self._home}g/{pk}/"
        fields = self._fields(self._session.get(page, timeout=_SECONDS).text)
        form = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"]}
        answer = self._session.post(f"{page}{act}/", form, timeout=_SECONDS, allow_redirects=False)
        assert answer.status_code == 302

    @staticmethod
    def _fields(html: str) -> dict[str, str]:
        return {name: unescape(value) for name, value in _FIELD.findall(html)}
