"""How static files are named when they are served: by their content, JavaScript modules included."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise carries no types
    """Also rewrite the imports between our own modules, so that a release never mixes old and new ones.

    Django's `support_js_module_import_aggregation` would rewrite every script, and stumbles over one of django-htmx's.
    """

    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]  # not in the stubs
    )
