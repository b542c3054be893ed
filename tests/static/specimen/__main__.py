"""Serve the specimen until Ctrl-C."""

import os
import sys
from contextlib import suppress
from threading import Event

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.static.specimen.server import PAGES, serving  # noqa: E402  (needs the settings)

with serving() as address, suppress(KeyboardInterrupt):
    sys.stdout.writelines(f"{address}/{page}/?theme=dark\n" for page in PAGES)
    Event().wait()
