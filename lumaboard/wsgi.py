"""The WSGI application that granian serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from lumaboard.core.encodings import with_known_charsets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lumaboard.settings")

application = with_known_charsets(get_wsgi_application())
if settings.TRUSTED_PROXIES:
    # REMOTE_ADDR becomes the rightmost address that is no proxy of ours: what clients write themselves lies left of it.
    application = wrap_wsgi_with_proxy_headers(
        application, trusted_hosts=[str(network) for network in settings.TRUSTED_PROXIES]
    )
